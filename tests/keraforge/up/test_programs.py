import os
import socket
import sys
from pathlib import Path

import pytest

import app
from app.settings import Settings
from keraforge.up.programs import environment_of, programs, web_command


def test_children_arrive_at_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        database_url="postgresql://ada:se%23cret@host/keraforge",
        allowed_hosts=["a.example", "b.example"],
        anonymous_scopes=["predict"],
        warm_start=False,
        upload_bytes=5000,
    )
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == settings


def test_settings_without_values_arrive_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == settings


def test_both_programs_know_the_port_that_was_found(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        web, worker = programs(settings, listener)
        port = str(listener.getsockname()[1])
        assert web.descriptors == (listener.fileno(),)
    assert (web.name, worker.name) == ("web", "worker")
    for program in (web, worker):
        assert program.environment is not None
        assert program.environment["KERAFORGE_PORT"] == port
        assert program.environment["PATH"] == os.environ["PATH"]


def test_several_web_processes_share_the_port_and_know_their_numbers(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        *webs, worker = programs(settings.model_copy(update={"web_processes": 3}), listener)
    assert [web.name for web in webs] == ["web-1", "web-2", "web-3"]
    assert worker.name == "worker"
    assert len({(tuple(web.command), web.descriptors) for web in webs}) == 1
    assert [(web.environment or {})["KERAFORGE_WEB_PROCESS"] for web in webs] == ["1", "2", "3"]


def test_a_single_web_process_has_no_number(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        web, _ = programs(settings, listener)
    assert (web.environment or {})["KERAFORGE_WEB_PROCESS"] == "0"


def test_a_connection_between_two_requests_is_not_kept_for_ever() -> None:
    assert "--timeout-keep-alive=15" in web_command(7)


def test_the_web_process_never_looks_into_the_working_directory_first() -> None:
    command = web_command(7)
    assert command[:4] == [sys.executable, "-P", "-m", "uvicorn"]
    assert f"--app-dir={Path(app.__path__[0]).parent}" in command
    assert "--fd=7" in command


def test_the_web_process_bounds_what_comes_before_a_request() -> None:
    assert "--http=app.edge.connections:Connection" in web_command(7)
