import socket
import subprocess
import sys
from pathlib import Path

import pytest

from keraforge.up.claim import CannotStart, address_of, claimed_folder, listen


def test_a_folder_is_made_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    with claimed_folder(folder):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_claimed_folder_is_refused_to_everybody_else(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("http://127.0.0.1:8000\n")
    with (
        claimed_folder(tmp_path),
        pytest.raises(
            CannotStart, match=r"already runs on .* at http://127.0.0.1:8000\. Stop it first"
        ) as refused,
        claimed_folder(tmp_path),
    ):
        pass
    assert "\n" not in str(refused.value)


def test_a_folder_is_free_again_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    for _ in range(2):
        with claimed_folder(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


def test_the_kernel_frees_the_folder_of_a_killed_process(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from keraforge.up.claim import claimed_folder\n"
        "with claimed_folder(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(CannotStart), claimed_folder(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with claimed_folder(tmp_path):
        pass


def test_a_file_where_the_folder_should_be_is_said_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.touch()
    with pytest.raises(CannotStart, match=r"cannot be used: File exists\. Choose another with --data-dir"):
        claimed_folder(file).__enter__()


def test_a_port_in_use_is_said_with_its_number_and_the_flag() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"^Port {port} of 127.0.0.1 is in use\. .*--port") as refused:
            listen("127.0.0.1", port)
    assert "\n" not in str(refused.value)


def test_a_port_can_be_taken_again_at_once() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = first.accept()
            accepted.close()
            client.recv(1)
    listen("127.0.0.1", port).close()


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(CannotStart, match=r"Cannot listen on 192\.0\.2\.1, port 0: .*--host"):
        listen("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")]
)
def test_the_address_is_one_that_this_machine_can_open(host: str, shown: str) -> None:
    with listen(host, 0) as listener:
        assert address_of(listener) == f"http://{shown}:{listener.getsockname()[1]}"
        socket.create_connection((shown, listener.getsockname()[1])).close()


def test_an_address_of_ip_version_six_stands_in_brackets() -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    with listen("::1", 0) as listener:
        assert address_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_answers_do_not_wait_for_acknowledgements() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
