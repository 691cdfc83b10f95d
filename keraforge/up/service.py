"""The whole service on one machine, from a claimed folder to the last child's end."""

import asyncio
import os
import time
from collections.abc import Coroutine
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from rich.console import Console

from app.database import Database
from app.errors import NotFound
from app.keys.first_key import read_key_file
from app.keys.login import create_login_path
from app.prepare import prepare
from app.settings import Settings
from app.siblings import forget
from keraforge.up.banner import print_banner
from keraforge.up.claim import address_of, claimed_folder, listen
from keraforge.up.logs import Logs
from keraforge.up.programs import programs
from keraforge.up.readiness import ready
from keraforge.up.refusals import said_in_one_line
from keraforge.up.supervisor import GaveUp, Supervisor


def serve(settings: Settings, console: Console) -> None:
    """Run the service until it is told to stop.

    Args:
        settings: What to run; the children read the same from the environment.
        console: Where the banner and the merged log go.

    Raises:
        CannotStart: the folder, the port or the database is not to be had; nothing is left running.
        GaveUp: a program kept dying; everything was stopped.
    """
    started = time.monotonic()
    with claimed_folder(settings.data_dir), ExitStack() as stack:
        with said_in_one_line(settings.data_dir):
            # Left by a service that was killed; nothing answers there any more.
            settings.url_file.unlink(missing_ok=True)
            listener = stack.enter_context(closing(listen(settings.host, settings.port)))
            prepare(settings)
            forget(settings.metrics_dir)
            chosen = programs(settings, listener)
            names = [program.name for program in chosen]
            logs = stack.enter_context(closing(Logs(settings.data_dir / "logs", names, console)))
        stack.callback(settings.url_file.unlink, missing_ok=True)
        announcement = _announce(settings, address_of(listener), console, started)
        asyncio.run(_run(Supervisor(chosen, logs), logs, announcement))


async def _run(supervisor: Supervisor, logs: Logs, announcement: Coroutine[Any, Any, None]) -> None:
    announcing = asyncio.create_task(announcement)
    announcing.add_done_callback(lambda task: supervisor.stop() if _failed(task) else None)
    await supervisor.run()
    if _failed(announcing):
        announcing.result()
    announcing.cancel()
    if supervisor.given_up:
        raise GaveUp(
            f"The {supervisor.given_up} process kept dying; its log is {logs.path(supervisor.given_up)}."
        )


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


async def _announce(settings: Settings, url: str, console: Console, started: float) -> None:
    """Wait until the service answers, then write down where, and tell the person who started it."""
    await ready(url)
    _write(settings.url_file, url)
    link = url + _login_path(settings)
    print_banner(console, url=url, link=link, folder=settings.data_dir, seconds=time.monotonic() - started)


def _login_path(settings: Settings) -> str:
    """Return the path of a link that opens the pages once; without a valid key, that of the pages."""
    with closing(Database(settings.resolved_database_url)) as database, database.write() as session:
        try:
            return create_login_path(session, read_key_file(settings.key_file))
        except NotFound:
            return "/docs"


def _write(path: Path, text: str) -> None:
    """Write a small file in one step: a reader sees all of it or nothing."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(f"{text}\n", encoding="utf-8")
    fresh.replace(path)
