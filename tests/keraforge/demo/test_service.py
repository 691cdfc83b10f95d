import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from keraforge.demo.service import running_at


class Silent(http.server.SimpleHTTPRequestHandler):
    """Serves a folder: ``/readyz`` is there if the folder has a file of that name."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose ``url`` names a server of files in it."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        (tmp_path / "url").write_text(f"http://127.0.0.1:{server.server_port}\n")
        yield tmp_path
        server.shutdown()
        thread.join()


def test_a_service_that_answers_is_used(folder: Path) -> None:
    (folder / "readyz").touch()
    assert running_at(folder) == (folder / "url").read_text().strip()


def test_a_service_that_is_not_ready_is_not_used(folder: Path) -> None:
    assert running_at(folder) is None


def test_an_address_that_a_killed_service_left_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("http://127.0.0.1:1\n")
    assert running_at(tmp_path) is None


def test_an_empty_folder_has_no_service(tmp_path: Path) -> None:
    assert running_at(tmp_path) is None
