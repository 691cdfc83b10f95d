"""What children know of the environment of their worker: how to fetch, and no secret of ours."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.child import Program, environment_of_children, start_cold
from workers.orders import write_order
from workers.protocol import ReadingOrder

DEADLINE_SECONDS = 60
PASSED_ON = {
    "HTTP_PROXY": "http://proxy.example:3128",
    "https_proxy": "http://proxy.example:3128",
    "NO_PROXY": "localhost",
    "SSL_CERT_FILE": "/etc/ssl/own.pem",
}
OURS = {
    "KERAFORGE_DATABASE_URL": "postgresql://keraforge:secret@db/keraforge",
    "KERAFORGE_BROKER_URL": "redis://:secret@broker",
    "KERAFORGE_FILES_URL": "s3://files",
    "KERAFORGE_API_KEY": "kf_secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "PGPASSWORD": "secret",
}


def test_children_know_the_way_out_and_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (PASSED_ON | OURS).items():
        monkeypatch.setenv(name, value)
    found = environment_of_children(tmp_path)
    assert {name: found.get(name) for name in PASSED_ON} == PASSED_ON
    assert not OURS.keys() & found.keys()
    assert "secret" not in " ".join(found.values())


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets nobody through: its address, and what it was asked for."""
    asked: list[str] = []

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def test_a_dataset_is_fetched_through_the_proxy_of_the_worker(
    proxy: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = proxy
    monkeypatch.setenv("HTTPS_PROXY", address)
    for name in ("https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    order = ReadingOrder(
        job="job_1", attempt=1, dataset_kind="images", builtin="mnist", options={}, max_bytes=10**9
    )
    folder = write_order(tmp_path, order)
    program = Program("workers.children.reader")
    environment = environment_of_children(tmp_path) | {"PYTHONPATH": str(Path(__file__).parents[2])}
    child = start_cold(program, folder, environment)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while child.status() is None:
        assert time.monotonic() < deadline, "the child does not end"
        time.sleep(0.02)
    with open(child.events, "rb", closefd=False) as events:
        last = json.loads(events.read().splitlines()[-1])
    child.close()
    assert asked == ["storage.googleapis.com:443"]
    assert last["type"] == "error"
    assert "which this machine cannot reach" in last["data"]["message"]
