import io
from pathlib import Path

import pytest
from rich.console import Console

from keraforge.up.logs import Logs


def test_lines_are_prefixed_on_the_terminal_and_whole_in_the_file(tmp_path: Path) -> None:
    shown = io.StringIO()
    logs = Logs(tmp_path / "logs", ["web", "worker"], Console(file=shown, width=40))
    long = "word " * 30 + "100 % [bold]not markup[/bold]"
    logs("web", long)
    logs("worker", "short")
    logs.close()
    assert shown.getvalue() == f"web    │ {long}\nworker │ short\n"
    assert logs.path("web").read_text() == f"{long}\n"
    assert logs.path("worker").read_text() == "short\n"


def test_a_program_s_colours_stay_on_a_terminal_and_go_elsewhere(tmp_path: Path) -> None:
    terminal, pipe = io.StringIO(), io.StringIO()
    red = "\x1b[31mred\x1b[0m"
    for file, is_terminal in ((terminal, True), (pipe, False)):
        console = Console(
            file=file, force_terminal=is_terminal, color_system="standard" if is_terminal else None
        )
        logs = Logs(tmp_path, ["web"], console)
        logs("web", red)
        logs.close()
    assert "\x1b[31mred" in terminal.getvalue()
    assert pipe.getvalue() == "web │ red\n"


def test_a_closed_terminal_does_not_end_the_log(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    logs = Logs(tmp_path, ["web"], Console(file=Gone()))
    logs("web", "one")
    logs("web", "two")
    logs.close()
    assert logs.path("web").read_text() == "one\ntwo\n"


def test_a_full_file_is_put_aside(tmp_path: Path) -> None:
    logs = Logs(tmp_path, ["web"], Console(file=io.StringIO(), quiet=True), max_bytes=1000)
    for number in range(100):
        logs("web", f"{number:>50}")
    logs.close()
    assert logs.path("web").stat().st_size <= 1000
    assert logs.path("web").read_text().endswith("99\n")
    assert {path.name for path in tmp_path.glob("web*")} == {"web.log", "web.log.1", "web.log.2", "web.log.3"}


def test_a_full_disk_loses_lines_and_not_the_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "full.log"
    full.symlink_to("/dev/full")
    shown = io.StringIO()
    logs = Logs(tmp_path, ["full"], Console(file=shown))
    logs("full", "lost in the file, seen on the terminal")
    logs.close()
    assert "seen on the terminal" in shown.getvalue()
    assert capsys.readouterr().err == ""
