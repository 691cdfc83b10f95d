import os
import socket
import subprocess
import sys
from pathlib import Path

from workers.identity import ALIVE_FILE


def status(part: str, folder: Path, port: int = 1) -> int:
    """Return the exit status of the command that watches a part."""
    command = [sys.executable, "-P", "-m", "keraforge.up.alive", part]
    environment = {
        "KERAFORGE_DATA_DIR": str(folder),
        "KERAFORGE_PORT": str(port),
        "http_proxy": "http://x.invalid",
    }
    return subprocess.run(command, env=os.environ | environment, cwd=folder, check=False).returncode


def test_a_worker_is_alive_while_it_leaves_signs(tmp_path: Path) -> None:
    assert status("worker", tmp_path) == 1
    sign = tmp_path / ALIVE_FILE
    sign.touch()
    assert status("worker", tmp_path) == 0
    os.utime(sign, (sign.stat().st_atime, sign.stat().st_mtime - 120))
    assert status("worker", tmp_path) == 1


def test_a_web_process_is_alive_when_it_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert status("web", tmp_path, port) == 1
