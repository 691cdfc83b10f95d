"""``keraforge up`` as it is: real processes, a real database, a real port."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import keraforge

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

Wait = Callable[[Callable[[], bool], str], None]


def url_of(up: Any) -> str:
    return str((up.folder / "url").read_text().strip())


def test_sigterm_ends_it_without_leaving_anything(up: Any) -> None:
    assert {"uvicorn", "workers.celery_app"} <= {
        word for command in up.relatives().values() for word in command.split()
    }
    up.process.send_signal(signal.SIGTERM)
    assert up.ended() == 0
    assert up.relatives() == {}
    assert not (up.folder / "url").exists()
    assert "Traceback" not in up.output


def test_it_says_where_it_is_and_never_the_key(shared: Any) -> None:
    assert f"Address  {url_of(shared)}" in shared.output
    assert (shared.folder / "api-key").read_text().strip() not in shared.output
    assert (shared.folder / "api-key").stat().st_mode & 0o777 == 0o600


def test_the_link_of_the_banner_opens_the_pages_once(shared: Any) -> None:
    (link,) = re.findall(r"http://\S+/login\?code=\S+", shared.output)
    with httpx.Client(base_url=url_of(shared), follow_redirects=True) as browser:
        assert browser.get("/docs").status_code == 401
        page = browser.get(link)
        assert page.status_code == 200
        assert "swagger" in page.text.lower()
        assert browser.get("/api/v1/datasets").status_code == 200
    assert httpx.get(link, follow_redirects=True).status_code == 403


def test_a_second_one_on_the_same_folder_is_refused_in_one_line(shared: Any, run: Any) -> None:
    second = run("up", "--port", "0", folder=shared.folder)
    assert second.ended() == 1
    assert second.output == (
        f"Error: Keraforge already runs on {shared.folder} at {url_of(shared)}. "
        "Stop it first, or choose another folder with --data-dir.\n"
    )
    assert httpx.get(f"{url_of(shared)}/healthz").status_code == 200


def test_a_port_in_use_is_one_line_with_the_flag_to_change_it(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = run("up", "--port", str(port))
        assert command.ended() == 1
    assert command.output == (
        f"Error: Port {port} of 127.0.0.1 is in use. "
        "Choose another with --port, or let --port 0 take a free one.\n"
    )
    assert command.relatives() == {}
    # The folder is free and holds nothing.
    assert list(command.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--database-url", "sqlite:////nowhere/at/all.db"],
            "Error: The database cannot be used: unable to open",
        ),
        (["--database-url", "nonsense"], "Error: The database cannot be used"),
        (["--log-level", "loud"], "Error: A setting is not valid. KERAFORGE_LOG_LEVEL: Input should be"),
    ],
)
def test_a_start_that_cannot_succeed_is_one_line(run: Any, arguments: list[str], said: str) -> None:
    command = run("up", "--port", "0", *arguments)
    assert command.ended() == 1
    assert command.output.startswith(said)
    assert command.output.count("\n") == 1
    assert command.relatives() == {}
    assert not (command.folder / "url").exists()


def test_a_killed_web_process_is_replaced_and_no_connection_is_refused(shared: Any) -> None:
    killed = shared.pid_of("uvicorn")
    os.kill(killed, signal.SIGKILL)
    # The listening socket stays: this waits for the next process instead of being refused.
    assert httpx.get(f"{url_of(shared)}/healthz", timeout=60).status_code == 200
    assert shared.pid_of("uvicorn") != killed
    shared.wait_for("web was ended by SIGKILL; starting it again in 0.5 s")


def test_a_killed_up_takes_everything_with_it_and_can_be_started_again(
    up: Any, run: Any, wait_until: Wait
) -> None:
    up.process.kill()
    up.process.wait()
    wait_until(lambda: up.relatives() == {}, "the end of all children")
    again = run("up", "--port", "0", folder=up.folder)
    again.wait_for("Keraforge is ready")
    assert httpx.get(f"{url_of(again)}/healthz").status_code == 200


def test_folders_of_the_user_do_not_shadow_ours(run: Any, tmp_path: Path) -> None:
    for name in ("app", "models", "workers", "keraforge", "celery", "uvicorn"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "__init__.py").write_text("raise SystemExit('this is not ours')\n")
    command = run("up", "--port", "0", cwd=tmp_path / "mine")
    command.wait_for("Keraforge is ready")
    with keraforge.Client(data_dir=command.folder) as client:
        client.datasets.create("digits", builtin="digits")
        # Read by a child of the worker, so that all three sorts of process have proved it.
        assert client.datasets.wait("digits", timeout=60).state == "ready"
    assert "not ours" not in command.output


def test_the_web_process_knows_neither_tensorflow_nor_keras(shared: Any) -> None:
    maps = Path(f"/proc/{shared.pid_of('uvicorn')}/maps").read_text()
    assert "onnxruntime" in maps
    assert "tensorflow" not in maps


def test_the_command_line_finds_the_service_by_its_folder(shared: Any) -> None:
    command = [sys.executable, "-P", "-m", "keraforge", "datasets", "list", "--json"]
    environment = os.environ | {"KERAFORGE_DATA_DIR": str(shared.folder)}
    assert subprocess.run(command, env=environment, capture_output=True, check=True).stdout == b"[]\n"
