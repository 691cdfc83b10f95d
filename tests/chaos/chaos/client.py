"""A client that wants its jobs done: every request carries a key, and is sent again until it is answered.

Whatever it sent and was answered goes into the history; an answer that never came is ``unknown``, and is
settled by sending the request again.
"""

import hashlib
import random
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from chaos.history import History

PATIENCE_SECONDS = 300.0
PAUSE_SECONDS = 0.1
ACCEPTED = 202
UNAVAILABLE = 503
# Nobody sends these requests without a key, or too many of them.
UNEXPECTED = frozenset({400, 401, 403, 404, 408, 422, 429, 431})
DATASET = "rows"


class GaveUp(Exception):
    """A request was refused, or never answered."""


class Client:
    """Speaks to one web process. ``transport`` is for tests that have none."""

    def __init__(
        self, url: str, key_file: Path, history: History, transport: httpx.BaseTransport | None = None
    ) -> None:
        key = key_file.read_text().strip()
        self.history = history
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10, transport=transport
        )

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request until it is answered by anything but 503; raises GaveUp when that takes too long."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._once(method, path, request)
            if answer is not None and answer.status_code != UNAVAILABLE:
                if answer.status_code in UNEXPECTED or answer.status_code >= 500:
                    raise GaveUp(f"{method} {path}: {answer.status_code} {answer.text}")
                return answer
            if time.monotonic() > until:
                raise GaveUp(f"{method} {path} was not answered")
            time.sleep(PAUSE_SECONDS)

    def make_dataset(self) -> None:
        """Have rows read to train on."""
        body = {"name": DATASET, "builtin": "digits"}
        answer = self.send("POST", "/api/v1/datasets", json=body)
        if answer.status_code not in {202, 409}:
            raise GaveUp(answer.text)

    def submit(self, key: str, body: dict[str, Any]) -> str:
        """Submit a job once, however often that takes; return its id."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.history.write("submit", key=key, body=body)
            answer = self._once("POST", "/api/v1/jobs", {"json": body, "headers": {"Idempotency-Key": key}})
            status = answer.status_code if answer is not None else None
            told = answer.json() if status == ACCEPTED and answer is not None else {}
            digest = hashlib.sha256(answer.content).hexdigest() if answer is not None else None
            self.history.write("answer", key=key, status=status, job=told.get("id"), digest=digest)
            if status == ACCEPTED:
                return str(told["id"])
            if status not in {None, UNAVAILABLE} or time.monotonic() > until:
                raise GaveUp(f"submit {key}: {status} {answer.text if answer is not None else ''}")
            time.sleep(PAUSE_SECONDS)

    def cancel(self, job: str) -> None:
        """Cancel a job; one that is over meanwhile refuses."""
        status = self.send("POST", f"/api/v1/jobs/{job}/cancel").status_code
        self.history.write("cancel", job=job, status=status)

    def unfinished(self) -> int:
        """Return how many jobs are not over, as far as one page of each state tells."""
        states = ("queued", "running", "pausing", "paused", "cancelling")
        query = [("state", state) for state in states] + [("limit", "200")]
        return len(self.send("GET", "/api/v1/jobs", params=query).json()["items"])

    def _once(self, method: str, path: str, request: dict[str, Any]) -> httpx.Response | None:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            self.history.write("unknown", path=path, error=type(error).__name__)
            return None
        if answer.status_code >= 500 or answer.status_code in UNEXPECTED:
            self.history.write("refused", path=path, status=answer.status_code, body=answer.text[:300])
        return answer


def jobs(count: int, seed: int, *, models: int = 20, poison: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """Return keys and bodies of jobs, the same for the same seed."""
    choose = random.Random(seed)
    made = []
    for number in range(count):
        kind = "poison" if number < poison else f"fold-{choose.choice((5, 10, 20))}"
        training = {"epochs": choose.randint(2, 6), "seed": choose.randrange(2**31)}
        key = f"run-{seed}-{number}"
        made.append((key, body_of(f"{kind}-{number % models}", training, key)))
    choose.shuffle(made)
    return made


def body_of(model: str, training: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the body of one job."""
    network = {"preset": "cnn-small"}
    return {
        "model": model,
        "dataset": DATASET,
        "network": network,
        "training": training,
        "tags": {"key": key},
    }


def submit_all(
    clients: Sequence[Client],
    wanted: Iterable[tuple[str, dict[str, Any]]],
    *,
    again: float = 0.2,
    cancelled: float = 0.0,
    seed: int = 0,
    pace: float = 0.0,
    leave: threading.Event | None = None,
) -> None:
    """Submit jobs from several threads; send a share ``again`` once more, and cancel a share of them."""

    def one(item: tuple[int, tuple[str, dict[str, Any]]]) -> None:
        number, (key, body) = item
        if leave is not None and leave.is_set():
            return
        choose, client = random.Random(f"{seed} {key}"), clients[number % len(clients)]
        job = client.submit(key, body)
        if choose.random() < again:
            client.submit(key, body)
        if choose.random() < cancelled:
            client.cancel(job)
        time.sleep(pace)

    with ThreadPoolExecutor(len(clients)) as threads:
        list(threads.map(one, enumerate(wanted)))
