"""A stage on which workers are played step by step, in one process, with the engine's own functions.

What takes processes and chance elsewhere happens here in the order that a scene says.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from chaos import child, client
from chaos.evidence import Evidence, gather
from chaos.history import History
from sqlalchemy import update

from app.database import Database
from app.identifiers import new_id
from app.jobs import claiming, finishing, recording, verbs
from app.jobs.leasing import expired
from app.jobs.schemas import JobCreate
from app.jobs.submitting import submit_once
from app.settings import Settings
from app.storage import Store
from app.tables import Dataset, DatasetVersion, Job
from workers import conclusion, orders, reconciler
from workers.journal import Journal, Lease
from workers.protocol import OUTPUT_DIR, TrainingOrder
from workers.reports import parse
from workers.supervisor import Ending
from workers.workshop import Workshop

OWNER = "local"
EPOCHS = 3
SCHEMA = {
    "rows": 4, "test_rows": 1, "shape": [8, 8, 1], "dtype": "float32", "labels": ["a", "b"],
    "image": {"low": 0, "high": 16, "background": 0},
}  # fmt: skip


class PowerCut(BaseException):
    """The machine stops here; no handler of errors hears of it."""


class Attempt:
    """One attempt of one job, in the hands of the scene."""

    def __init__(self, stage: "Stage", order: TrainingOrder) -> None:
        self.job, self.number = order.job, order.attempt
        self._stage, self._order = stage, order
        self._journal = Journal(stage.database, order.job, order.attempt)
        self._folder = orders.write_order(stage.settings.data_dir / orders.ORDERS_DIR, order)
        self._run = child.Run(order, self)
        self._run.resume()

    def send(self, kind: str, data: dict[str, Any]) -> None:
        """Hear an event of the child, as a supervisor does, and write it at once."""
        event = parse(json.dumps({"type": kind, "data": data}).encode())
        assert event is not None
        with self._stage.database.write() as session:
            recording.record(session, self.job, self.number, [event])

    def log(self, level: str, message: str) -> None:
        """Hear a line of the child's log."""
        self.send("log", {"level": level, "message": message})

    def steps(self, count: int, *, kept: bool = True) -> "Attempt":
        """Have the child take steps, with a checkpoint after each unless it is not ``kept``."""
        for _ in range(count):
            self._run.take_step()
            if kept:
                self._run.keep()
        return self

    def beat(self) -> None:
        """Renew the lease, though it is not due."""
        Journal(self._stage.database, self.job, self.number, Lease(30, 0)).keep_up()

    def finish(self) -> None:
        """Have the child run to its end, and conclude the attempt."""
        while self._run.step < child.fold.STEPS * self._run.work.epochs:
            self.steps(1)
        self.conclude(child.publish(self._run, self._folder / OUTPUT_DIR))

    def conclude(self, result: dict[str, Any]) -> None:
        """Write what a child's result means."""
        ending = Ending(result=json.loads(json.dumps(result)))
        conclusion.Conclusion(self._stage.workshop, self._order, self._journal).write(
            ending, self._folder / OUTPUT_DIR, None
        )
        shutil.rmtree(self._folder)

    def hand_back(self) -> None:
        """Leave as a worker does that drains."""
        with self._stage.database.write() as session:
            finishing.hand_back(session, self.job, self.number)
        shutil.rmtree(self._folder)


class Stage:
    """A service without processes, in ``folder``; its database begins as a copy of ``template``, if any."""

    def __init__(self, folder: Path, template: Path | None) -> None:
        self.settings = Settings(_env_file=None, data_dir=folder / "host-0")
        if template is not None:
            self.settings.data_dir.mkdir(parents=True)
            shutil.copy(template, self.settings.data_dir / "keraforge.db")
        self.url = self.settings.resolved_database_url
        self.database = Database(self.url)
        self.store = Store(self.settings.data_dir)
        self.store.prepare()
        self.workshop = Workshop(self.settings, self.database, self.store, lambda: False)
        self.history = History(folder / "history.jsonl")
        if template is not None:
            self._add_rows()

    @classmethod
    def again(cls, folder: Path) -> "Stage":
        """Return a stage that somebody has left."""
        return cls(folder, None)

    def prepared(self, key: str) -> None:
        """Submit a job and leave the stage to somebody else."""
        self.submit(key)
        self.database.close()
        self.history.close()

    def submit(self, key: str, seed: int = 1) -> str:
        """Submit a job as the web process does, and note that it was acknowledged."""
        body = client.body_of("fold", {"epochs": EPOCHS, "seed": seed}, key)
        with self.database.write() as session:
            answer = submit_once(session, OWNER, JobCreate(**body), key, max_parameters=10**8)
        digest = hashlib.sha256(json.dumps(answer.body).encode()).hexdigest()
        self.history.write("answer", key=key, status=answer.status, job=answer.body["id"], digest=digest)
        return str(answer.body["id"])

    def cancel(self, job: str) -> None:
        """Cancel a job as the web process does."""
        with self.database.write() as session:
            verbs.cancel(session, OWNER, job)
        self.history.write("cancel", job=job, status=202)

    def claim(self, worker: str = "a") -> Attempt | None:
        """Have a worker claim the next job."""
        with self.database.write() as session:
            job = claiming.claim(session, "training", worker)
            order = job and orders.order_of(session, job, self.settings, self.store)
        return Attempt(self, order) if isinstance(order, TrainingOrder) else None

    def begin(self, worker: str = "a") -> Attempt:
        """Have a worker claim the next job, which is there."""
        attempt = self.claim(worker)
        assert attempt is not None, "nothing waits"
        return attempt

    def run_out(self, attempt: Attempt) -> None:
        """Let the lease of an attempt run out, as that of a worker that was killed or stopped."""
        self.history.write("fault", target="worker", victims=[[attempt.job, attempt.number]])
        with self.database.write() as session:
            mine = (Job.id == attempt.job, Job.attempt == attempt.number)
            session.execute(update(Job).where(*mine).values(lease_until=0.0))

    def settle(self) -> None:
        """Have a reconciler look once, and forget pauses: a scene has no time."""
        reconciler.settle(self.database, expired, self.settings.restarts)
        reconciler.sweep_checkpoints(self.database, self.settings.data_dir)
        with self.database.write() as session:
            session.execute(update(Job).values(not_before=None))

    def lose(self, attempt: Attempt) -> None:
        """Lose an attempt with its worker, and have another one settle that."""
        self.run_out(attempt)
        self.settle()

    def lose_all(self) -> None:
        """Settle what was left by a worker that was killed."""
        self.history.write("fault", target="worker", victims=[])
        reconciler.settle(self.database, reconciler.left_by(None), self.settings.restarts)
        shutil.rmtree(self.settings.data_dir / orders.ORDERS_DIR, ignore_errors=True)

    def checkpoints(self, job: str) -> list[Path]:
        """Return the checkpoints of a job, the newest first."""
        return sorted((self.settings.data_dir / "checkpoints" / job).glob("*.npz"), reverse=True)

    def close(self) -> Evidence:
        """Sweep up as the next life of a worker does, and return the evidence."""
        shutil.rmtree(self.settings.data_dir / orders.ORDERS_DIR, ignore_errors=True)
        reconciler.sweep_checkpoints(self.database, self.settings.data_dir)
        self.database.close()
        self.history.close()
        return gather(self.url, self.history.path, [self.settings.data_dir])

    def _add_rows(self) -> None:
        with self.database.write() as session:
            dataset = Dataset(id=new_id("ds"), owner=OWNER, name=client.DATASET, kind="images")
            session.add(dataset)
            session.flush()
            session.add(
                DatasetVersion(
                    id=new_id("dsv"), owner=OWNER, dataset_id=dataset.id, number=1, state="ready",
                    source={}, options={}, schema=SCHEMA,
                )
            )  # fmt: skip
