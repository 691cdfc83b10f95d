"""The parts of the service, each by itself, for whatever keeps processes running on several machines.

One process becomes its program: signals and statuses are the program's own, and nothing stands in between.
"""

import asyncio
import os
from typing import NoReturn

from app import prepare
from app.settings import Settings
from app.siblings import forget
from keraforge.up.children import Program
from keraforge.up.claim import listen
from keraforge.up.programs import environment_of, web_programs
from keraforge.up.refusals import said_in_one_line
from keraforge.up.supervisor import GaveUp, Supervisor
from workers.command import worker_command


def migrate(settings: Settings) -> None:
    """Bring the database to this version's schema, and make the first key.

    Raises:
        CannotStart: the folder or the database is not to be had, or belongs to a newer version.
    """
    with said_in_one_line(settings.data_dir):
        prepare.prepare(settings)


def run_web(settings: Settings) -> None:
    """Run the web processes; a single one takes the place of this process.

    Raises:
        CannotStart: the port, the folder or the database is not to be had, or it is not migrated.
        GaveUp: one of several processes kept dying; all were stopped.
    """
    with said_in_one_line(settings.data_dir):
        prepare.check(settings)
        listener = listen(settings.host, settings.port)
        forget(settings.metrics_dir)
    programs = web_programs(settings, listener)
    if len(programs) == 1:
        _become(programs[0])
    supervisor = Supervisor(programs, _print)
    asyncio.run(supervisor.run())
    if supervisor.given_up:
        raise GaveUp(f"The {supervisor.given_up} process kept dying.")


def run_worker(settings: Settings) -> NoReturn:
    """Become the worker.

    Raises:
        CannotStart: the folder or the database is not to be had, or it is not migrated.
    """
    with said_in_one_line(settings.data_dir):
        prepare.check(settings)
    _become(Program("worker", worker_command(), environment_of(settings)))


def _become(program: Program) -> NoReturn:
    for descriptor in program.descriptors:
        os.set_inheritable(descriptor, True)
    environment = dict(program.environment or os.environ)
    os.execve(program.command[0], list(program.command), environment)  # noqa: S606 - there is no shell in it


def _print(name: str, line: str) -> None:
    print(f"{name} │ {line}", flush=True)
