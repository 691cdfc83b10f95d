"""Two web processes on one port: what is asked of one of them holds for the other."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

Wait = Callable[[Callable[[], bool], str], None]
# So many connections that both processes have taken some.
CONNECTIONS = 16


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, command: Callable[..., Any]) -> Iterator[Any]:
    """A service with two web processes that trains nothing, so that a job waits until it is cancelled."""
    folder = tmp_path_factory.mktemp("two") / "data"
    flags = ["up", "--port", "0", "--web-processes", "2"]
    started = command(folder, flags, KERAFORGE_TRAINING_SLOTS="0")
    try:
        started.wait_for("Keraforge is ready")
        yield started
        started.process.terminate()
        assert started.ended() == 0
    finally:
        started.kill()


@pytest.fixture
def url(two: Any) -> str:
    return str((two.folder / "url").read_text().strip())


@pytest.fixture
def headers(two: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {(two.folder / 'api-key').read_text().strip()}"}


def web_processes(two: Any) -> list[int]:
    return [pid for pid, line in two.relatives().items() if "uvicorn" in line]


def sockets(pid: int) -> int:
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    return sum(link.startswith("socket:") for link in links)


def measured(url: str) -> dict[tuple[str, ...], float]:
    """Return all samples, by name and values of labels."""
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def at_once(ask: Callable[[httpx.Client], httpx.Response], **options: Any) -> list[httpx.Response]:
    """Ask on many connections, each new; some of them are taken by one process, some by the other."""

    def once(_: int) -> httpx.Response:
        with httpx.Client(timeout=60, verify=False, **options) as client:
            return ask(client)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(once, range(CONNECTIONS)))


def test_connections_are_shared_and_counters_survive_a_killed_process(
    two: Any, url: str, wait_until: Wait
) -> None:
    wait_until(lambda: {("process_open_fds", "1"), ("process_open_fds", "2")} <= measured(url).keys(), "both")
    pids = web_processes(two)
    before = {pid: sockets(pid) for pid in pids}
    counted = ("keraforge_http_requests_total", "GET", "/healthz", "200")
    asked = int(measured(url).get(counted, 0))

    def ask(client: httpx.Client) -> None:
        nonlocal asked
        assert client.get("/healthz").status_code == 200
        asked += 1

    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            ask(stack.enter_context(httpx.Client(base_url=url, verify=False)))
        assert all(sockets(pid) > before[pid] for pid in pids)
    wait_until(lambda: measured(url)[counted] == asked, "the sum of both")
    os.kill(pids[0], signal.SIGKILL)
    for _ in range(CONNECTIONS):
        with httpx.Client(base_url=url, timeout=60, verify=False) as client:
            ask(client)
        assert measured(url)[counted] >= asked - CONNECTIONS
    two.wait_for("was ended by SIGKILL; starting it again in 0.5 s")
    wait_until(lambda: len(web_processes(two)) == 2, "the next process")
    wait_until(lambda: measured(url)[counted] == asked, "all that was ever asked")


def test_a_one_time_link_opens_the_pages_once(two: Any, url: str) -> None:
    (link,) = re.findall(r"http://\S+/login\?code=\S+", two.output)
    statuses = [answer.status_code for answer in at_once(lambda client: client.get(link))]
    assert sorted(statuses) == [303] + [403] * (CONNECTIONS - 1)


def test_a_key_works_at_once_and_a_revoked_one_nowhere_after_a_moment(
    url: str, headers: dict[str, str], wait_until: Wait
) -> None:
    body = {"name": "short", "scopes": ["jobs:read"]}
    made = httpx.post(f"{url}/api/v1/keys", json=body, headers=headers).json()

    def statuses() -> set[int]:
        own = {"Authorization": f"Bearer {made['key']}"}
        return {
            each.status_code for each in at_once(lambda client: client.get(f"{url}/api/v1/jobs", headers=own))
        }

    assert statuses() == {200}
    assert httpx.delete(f"{url}/api/v1/keys/{made['id']}", headers=headers).is_success
    wait_until(lambda: statuses() == {401}, "the end of the key")


def test_one_job_is_submitted_once_and_followed_from_everywhere(
    url: str, headers: dict[str, str], wait_until: Wait
) -> None:
    with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=60, verify=False) as client:
        client.post("/datasets", json={"name": "digits", "kind": "images", "builtin": "digits"})
        body = {"model": "digits", "dataset": "digits", "network": {"preset": "cnn-small"}}
        once = headers | {"Idempotency-Key": "just-once"}
        answers = at_once(lambda other: other.post(f"{url}/api/v1/jobs", json=body, headers=once))
        assert {answer.status_code for answer in answers} == {202}
        (job,) = {answer.json()["id"] for answer in answers}
        assert [each["id"] for each in client.get("/jobs?kind=training").json()["items"]] == [job]

        cancelled = False

        def follow(other: httpx.Client) -> httpx.Response:
            nonlocal cancelled
            accepts = headers | {"Accept": "text/event-stream"}
            with other.stream("GET", f"{url}/api/v1/jobs/{job}/events", headers=accepts) as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: ") and not cancelled:
                        cancelled = True
                        assert client.post(f"/jobs/{job}/cancel").is_success
            return answer

        answers = at_once(follow)
        assert {answer.status_code for answer in answers} <= {200, 204}
        assert client.get(f"/jobs/{job}").json()["state"] == "cancelled"
