"""The programs of the service, and the environment they run in."""

import os
import socket
import sys
from pathlib import Path

import app
from app.settings import Settings
from keraforge.up.children import Program
from workers.command import worker_command

# Streams of events never end by themselves; this long they are given to notice that the service stops.
GRACEFUL_SECONDS = 3
HTTP = "app.edge.connections:Connection"


def programs(settings: Settings, listener: socket.socket) -> list[Program]:
    """Return the web processes and the worker."""
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    return [
        *web_programs(settings, listener),
        Program("worker", worker_command(), environment_of(settings)),
    ]


def web_programs(settings: Settings, listener: socket.socket) -> list[Program]:
    """Return the web processes, which all serve the listening socket."""
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    numbers = range(1, settings.web_processes + 1) if settings.web_processes > 1 else [0]
    return [
        Program(
            f"web-{number}" if number else "web",
            web_command(listener.fileno()),
            environment_of(settings.model_copy(update={"web_process": number})),
            (listener.fileno(),),
        )
        for number in numbers
    ]


def environment_of(settings: Settings) -> dict[str, str]:
    """Return this process's environment with ``settings`` in it, whatever flags and files they came from."""
    values = settings.model_dump(mode="json")
    return os.environ | {
        f"KERAFORGE_{name.upper()}": ",".join(value) if isinstance(value, list) else str(value)
        for name, value in values.items()
    }


def web_command(listener: int, http: str = HTTP) -> list[str]:
    """Return the command of a web process that serves an inherited listening socket.

    ``http`` is what uvicorn speaks on a connection.
    """
    flags = {
        "fd": listener,
        # By default uvicorn searches the current folder first: a user's own models/ would shadow ours.
        "app-dir": Path(app.__path__[0]).parent,
        "http": http,
        "loop": "uvloop",
        "ws": "none",
        "timeout-keep-alive": 15,
        "timeout-graceful-shutdown": GRACEFUL_SECONDS,
        "log-level": "warning",
    }
    switches = ["--factory", "--no-server-header", "--no-access-log", "--no-proxy-headers"]
    return [
        *(sys.executable, "-P", "-m", "uvicorn", "app.main:create_app"),
        *switches,
        *(f"--{name}={value}" for name, value in flags.items()),
    ]
