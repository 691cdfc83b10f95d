"""A whole service to be killed: web process, workers and what they need, on loopback and in one folder."""

import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.client import Client
from chaos.history import History
from chaos.programs import Keeper, Program, environment
from chaos.waiting import DEADLINE_SECONDS, TookTooLong, until
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.jobs.states import TERMINAL
from app.prepare import prepare
from app.settings import Settings
from app.tables import Job
from keraforge.up.claim import address_of, listen
from keraforge.up.programs import web_command

ENTRY = Path(__file__).with_name("worker_entry.py")
WEB_ENTRY = "chaos.web_entry:create_app"


@dataclass
class Plan:
    """How a service is put together; ``settings`` are those of all its processes."""

    workers: int = 1
    slots: int = 2
    database_url: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    plant: str = ""
    """A bug of :mod:`chaos.planted` that all its processes have."""
    trainer: bool = False
    """Whether jobs are trained for real, rather than by the scripted child."""
    wrapped: Callable[[str, dict[str, str]], dict[str, str]] = lambda _, variables: variables
    """Changes the environment of a program, which is named."""


class Service:
    """A service in ``folder``; each worker is a host with a data folder of its own.

    They share what is stored: at the address of the settings, or else as by a network file system.
    """

    def __init__(self, folder: Path, plan: Plan, seed: int = 0, beside: Sequence[Program] = ()) -> None:
        self.folder, self.plan = folder, plan
        self.homes = [folder / f"host-{number}" for number in range(max(1, plan.workers))]
        self.settings = self._settings(self.homes[0])
        prepare(self.settings)
        for home in self.homes[1:]:
            home.mkdir(mode=0o700)
            if not self.settings.files_url:
                self._share(home)
        self.listener: socket.socket = listen("127.0.0.1", 0)
        self.url = address_of(self.listener)
        self.history = History(folder / "history.jsonl")
        self.web = self._web()
        self.workers = [self._worker(number, home) for number, home in enumerate(self.homes[: plan.workers])]
        choose = random.Random(seed)
        self._keeper = Keeper([self.web, *self.workers, *beside], choose.random)
        self._database = Database(self.settings.resolved_database_url)
        self._clients: list[Client] = []

    def start(self) -> None:
        """Start everything and wait until it answers."""
        for program in (self.web, *self.workers):
            program.start()
        self.client().send("GET", "/healthz")

    def client(self) -> Client:
        """Return a new client."""
        self._clients.append(Client(self.url, self.settings.key_file, self.history))
        return self._clients[-1]

    def over(self) -> int:
        """Return how many trainings are over; 0 where the database is away."""
        query = select(func.count()).where(Job.kind == "training", Job.state.in_(TERMINAL))
        try:
            with self._database.read() as session:
                return session.scalar(query) or 0
        except SQLAlchemyError:
            return 0

    def ready(self) -> "Service":
        """Start, with rows to train on."""
        self.start()
        client = self.client()
        client.make_dataset()
        self.wait()
        return self

    def wait(self, seconds: float = DEADLINE_SECONDS) -> None:
        """Wait until no job is left to be done."""
        client = self.client()
        until(lambda: client.unfinished() == 0, "all jobs to be over", seconds)

    def settle(self) -> None:
        """Give workers time to sweep up after jobs that are over, and after those who were killed."""
        folders = [home / name for home in self.homes for name in ("checkpoints", "orders")]
        # A job that has failed keeps its checkpoints; whether anything else is left, the checker says.
        with suppress(TookTooLong):
            until(lambda: not any(folder.is_dir() and any(folder.iterdir()) for folder in folders), "", 60)

    def children(self, home: str = "") -> list[tuple[int, str, int]]:
        """Return the processes that do orders now, of one host or of all: pid, job, attempt.

        Each works in the folder of its order.
        """
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                folder = Path(os.readlink(place / "cwd"))
            except OSError:
                continue
            if folder.parent.name == "orders" and self.folder / home in folder.parents:
                job, _, attempt = folder.name.partition(".")
                found.append((int(place.name), job, int(attempt)))
        return sorted(found)

    def stop(self) -> None:
        """Tell everything to leave; raises nothing for what was killed."""
        self._keeper.close()
        for worker in self.workers:
            worker.stop()
        self.web.stop(signal.SIGTERM)
        self.listener.close()
        for client in self._clients:
            client.close()
        self.history.close()
        self._database.close()

    def _settings(self, home: Path) -> Settings:
        named = {"data_dir": home, "database_url": self.plan.database_url}
        given = {"training_slots": self.plan.slots, **self.plan.settings}
        return Settings(_env_file=None, **named, **given)

    def _environment(self, name: str, home: Path) -> dict[str, str]:
        given = {"training_slots": self.plan.slots, **self.plan.settings}
        if self.plan.database_url:
            given["database_url"] = self.plan.database_url
        variables = environment(home, **given) | {"CHAOS_PLANT": self.plan.plant}
        return self.plan.wrapped(name, variables)

    def _web(self) -> Program:
        command = web_command(self.listener.fileno())
        if self.plan.plant:
            command = [WEB_ENTRY if part == "app.main:create_app" else part for part in command]
        variables = self._environment("web", self.homes[0])
        return Program("web", command, variables, self.folder / "web.log", [self.listener.fileno()])

    def _worker(self, number: int, home: Path) -> Program:
        entry = ["-m", "workers.celery_app"] if self.plan.trainer else [str(ENTRY)]
        name = f"worker-{number}"
        variables = self._environment(name, home)
        return Program(name, [sys.executable, "-P", *entry], variables, self.folder / f"{name}.log")

    def _share(self, home: Path) -> None:
        """Give a host the folders of the first one, as a network file system would."""
        for name in ("objects", "staging", "checkpoints"):
            shared = self.homes[0] / name
            shared.mkdir(mode=0o700, exist_ok=True)
            (home / name).symlink_to(shared)


@contextmanager
def running(folder: Path, plan: Plan, seed: int = 0, beside: Sequence[Program] = ()) -> Iterator[Service]:
    """Run a service that has rows to train on."""
    service = Service(folder, plan, seed, beside)
    try:
        yield service.ready()
    finally:
        service.stop()
