"""Processes to look at, and a service that answers what a test tells it to."""

import http.server
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest

DEADLINE_SECONDS = 20.0


@pytest.fixture(autouse=True)
def logs_of_a_client() -> Iterator[None]:
    """Leave the logs as a client's process has them; other tests set up the service's in this process."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.WARNING)
    yield
    root.setLevel(level)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Tell whether a condition comes true before the deadline."""

    def wait(condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    return wait


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    """Tell whether a process exists and has not ended, even if nobody has waited for it."""

    def look(pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state not in {"Z", "X"}

    return look


class FakeService:
    """Answers requests as it was told, and keeps them; one answer for each, the last one again and again.

    An answer is a JSON value, an exception, a response, or a function that makes one.
    """

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self._answers: dict[tuple[str, str], list[Callable[[httpx.Request], httpx.Response]]] = {}

    def on(self, method: str, path: str, *answers: Any, status: int = 200) -> None:
        """Answer requests for ``/api/v1{path}``."""
        made = [self._answer(answer, status) for answer in answers or (None,)]
        self._answers[method, f"/api/v1{path}"] = made

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.read()
        return self._reply(request)

    async def awaited(self, request: httpx.Request) -> httpx.Response:
        """Answer one request of an asynchronous client."""
        await request.aread()
        return self._reply(request)

    def sent(self, index: int = -1) -> Any:
        """Return the JSON that a request carried."""
        return json.loads(self.requests[index].content)

    def _reply(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answers = self._answers.get((request.method, request.url.path))
        if not answers:
            problem = {
                "title": "Not found",
                "status": 404,
                "detail": "There is no such thing.",
                "code": "not_found",
            }
            return httpx.Response(404, json=problem)
        return (answers.pop(0) if len(answers) > 1 else answers[0])(request)

    @staticmethod
    def _answer(answer: Any, status: int) -> Callable[[httpx.Request], httpx.Response]:
        def make(request: httpx.Request) -> httpx.Response:
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, httpx.Response):
                return answer
            if callable(answer):
                made: httpx.Response = answer()
                return made
            return httpx.Response(status) if answer is None else httpx.Response(status, json=answer)

        return make


@pytest.fixture
def service() -> FakeService:
    """A service without answers yet."""
    return FakeService()


@pytest.fixture
def served(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    """The same service on a port of this machine, named by ``KERAFORGE_URL``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = f"http://{self.headers['Host']}{self.path}"
            response = service(httpx.Request(self.command, url, headers=dict(self.headers), content=body))
            self.send_response(HTTPStatus(response.status_code))
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("KERAFORGE_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("KERAFORGE_API_KEY", "kf_test")
        yield service
        server.shutdown()
        thread.join()
