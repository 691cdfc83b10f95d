"""Checkpoints between hosts that share no folder."""

import json
import secrets
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from app.database import Database
from app.files.depot import Depot
from app.jobs.claiming import claim
from app.jobs.recording import Reported
from app.storage import Away
from app.tables import Job
from app.tables.base import now
from models.checkpoints import Checkpoint, newest, save
from workers.courier import Courier
from workers.journal import Journal
from workers.travelling import LIST, MARK, Travels, sweep

JOB = "job_1"


@pytest.fixture
def depot() -> Depot:
    return Depot(f"memory://{secrets.token_hex(4)}/files")


class Host:
    """A machine with folders of its own."""

    def __init__(self, root: Path, depot: Depot) -> None:
        self.folder = root / "checkpoints" / JOB
        self.staging = root / "staging"
        self.staging.mkdir(parents=True)
        self.depot = depot

    def travels(self, attempt: int) -> Travels:
        return Travels(self.depot, self.folder, JOB, attempt, staging=self.staging)

    def write(self, step: int, part: str = "") -> None:
        save(self.folder / part, Checkpoint({"w": np.full(3, step)}, {"step": step}))

    def step(self, part: str = "") -> int | None:
        found = newest(self.folder / part)
        return None if found is None else int(found.facts["step"])


@pytest.fixture
def one(tmp_path: Path, depot: Depot) -> Host:
    return Host(tmp_path / "one", depot)


@pytest.fixture
def other(tmp_path: Path, depot: Depot) -> Host:
    return Host(tmp_path / "other", depot)


def names(depot: Depot) -> list[str]:
    return sorted(entry.name.removeprefix(f"checkpoints/{JOB}/") for entry in depot.find("checkpoints"))


def test_another_host_goes_on_from_the_newest_checkpoint_of_every_part(one: Host, other: Host) -> None:
    travels = one.travels(1)
    one.write(0, "chosen")
    one.write(7, "fold-1")
    for step in (10, 20, 30):
        one.write(step)
        travels.send()
    other.travels(2).bring()
    assert [other.step(), other.step("chosen"), other.step("fold-1")] == [30, 0, 7]
    assert list(one.staging.iterdir()) == list(other.staging.iterdir()) == []


def test_only_what_is_kept_here_is_kept_there(one: Host, depot: Depot) -> None:
    travels = one.travels(1)
    for step in (10, 20, 30):
        one.write(step)
        travels.send()
    listed = sorted(path.name for path in one.folder.iterdir())
    assert len(listed) == 2
    assert names(depot) == [*(f"1/{name}" for name in listed), f"1/{LIST}"]


def test_the_first_attempt_has_nothing_to_fetch(one: Host, other: Host) -> None:
    one.write(10)
    one.travels(1).send()
    other.travels(1).bring()
    assert other.step() is None


def test_a_worker_that_was_killed_while_it_noted_its_attempt_hinders_no_other(one: Host) -> None:
    one.write(10)
    one.travels(2).bring()
    (one.folder / MARK).write_text("")
    one.travels(3).bring()
    assert one.step() == 10


def test_a_host_keeps_what_it_has_if_nobody_went_on_elsewhere(one: Host) -> None:
    one.write(10)
    one.travels(1).send()
    # Written, but its host lost the store before it was sent.
    one.write(20)
    one.write(30)
    one.write(40)
    again = one.travels(2)
    again.bring()
    assert one.step() == 40
    one.write(50)
    once_more = one.travels(3)
    once_more.bring()
    assert one.step() == 50


def test_a_host_takes_what_another_has_learned_meanwhile(one: Host, other: Host) -> None:
    one.write(10)
    one.travels(1).send()
    one.write(15)
    travels = other.travels(2)
    travels.bring()
    other.write(20)
    travels.send()
    back = one.travels(3)
    back.bring()
    assert one.step() == 20
    # What was there is gone, and does not come back as newer than it is.
    assert len([path for path in one.folder.iterdir() if path.suffix == ".npz"]) == 2


def test_an_attempt_that_was_given_up_disturbs_no_later_one(one: Host, other: Host, depot: Depot) -> None:
    zombie = one.travels(1)
    one.write(10)
    zombie.send()
    travels = other.travels(2)
    travels.bring()
    other.write(20)
    travels.send()
    assert not any(name.startswith("1/") for name in names(depot))
    for step in (11, 12, 13):
        one.write(step)
        zombie.send()
    third = Host(one.staging.parent.parent / "third", depot)
    third.travels(3).bring()
    assert third.step() == 20


@pytest.mark.parametrize("how", ["damaged", "missing"])
def test_where_the_newest_is_lost_the_one_before_serves(
    one: Host, other: Host, depot: Depot, how: str
) -> None:
    one.write(10)
    one.write(20)
    one.travels(1).send()
    lost = max(name for name in names(depot) if name.endswith(".npz"))
    if how == "missing":
        depot.remove(f"checkpoints/{JOB}/{lost}")
    else:
        torn = other.staging / "torn"
        torn.write_bytes(b"torn")
        depot.replace(torn, f"checkpoints/{JOB}/{lost}")
        torn.unlink()
    other.travels(2).bring()
    assert other.step() == 10


def test_where_all_is_lost_the_attempt_before_serves(one: Host, other: Host, depot: Depot) -> None:
    one.write(10)
    one.travels(1).send()
    empty = other.staging / "list"
    empty.write_text(json.dumps(["00000009-" + "0" * 64 + ".npz"]))
    depot.replace(empty, f"checkpoints/{JOB}/2/{LIST}")
    other.travels(3).bring()
    assert other.step() == 10


def test_checkpoints_go_when_their_job_has_no_use_for_them(
    rows: Any, database: Database, depot: Depot, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    jobs = {
        state: rows.training(state) for state in ("queued", "running", "failed", "succeeded", "cancelled")
    }
    jobs["long failed"] = rows.training("long")
    with database.write() as session:
        for state, job in jobs.items():
            columns = {"state": state.split()[-1], "finished_at": now()}
            if state == "long failed":
                columns["finished_at"] = now() - timedelta(hours=25)
            session.execute(update(Job).where(Job.id == job).values(**columns))
    for job in (*jobs.values(), "job_unknown"):
        depot.replace(file, f"checkpoints/{job}/1/{LIST}")
    sweep(database, depot)
    assert set(depot.folders("checkpoints")) == {jobs[state] for state in ("queued", "running", "failed")}


class Gate:
    """A way that lets a checkpoint through when it is opened, and may be blocked."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.is_blocked = False
        self.passed = 0

    def __call__(self) -> None:
        assert self.opened.wait(60)
        if self.is_blocked:
            raise Away("blocked")
        self.passed += 1


def told(step: int) -> Reported:
    return Reported("checkpoint", {"epoch": 1, "step": step})


def never() -> bool:
    return False


def test_nobody_is_told_of_a_checkpoint_before_it_has_arrived(until: Callable[..., Any]) -> None:
    gate = Gate()
    courier = Courier(gate)
    courier.take(told(1))
    assert courier.arrived() == []
    gate.opened.set()
    assert until(courier.arrived) == [told(1)]
    assert courier.arrived() == []
    courier.close(60, never)


def test_checkpoints_that_pile_up_go_together(until: Callable[..., Any]) -> None:
    gate = Gate()
    courier = Courier(gate)
    courier.take(told(1))
    until(lambda: courier._thread is not None)
    for step in (2, 3, 4):
        courier.take(told(step))
    gate.opened.set()
    courier.close(60, never)
    assert [event.data["step"] for event in courier.arrived()] == [1, 2, 3, 4]
    assert gate.passed <= 2


def test_a_checkpoint_is_sent_again_when_the_store_is_back(
    until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.courier.PAUSE_SECONDS", 0.01)
    gate = Gate()
    gate.is_blocked = True
    gate.opened.set()
    courier = Courier(gate)
    courier.take(told(1))
    assert courier.arrived() == []
    gate.is_blocked = False
    assert until(courier.arrived) == [told(1)]
    courier.close(60, never)


def test_of_a_checkpoint_that_is_late_nobody_is_told() -> None:
    gate = Gate()
    gate.is_blocked = True
    gate.opened.set()
    courier = Courier(gate)
    courier.take(told(1))
    courier.close(0.05, never)
    courier.close(60, lambda: True)
    assert courier.arrived() == []


def test_the_row_names_a_checkpoint_only_when_it_has_arrived(
    rows: Any, database: Database, until: Callable[..., Any]
) -> None:
    job = rows.training()
    with database.write() as session:
        claim(session, "training", "w")
    gate = Gate()
    journal = Journal(database, job, 1, courier=Courier(gate))
    journal.add(told(5))
    journal.add(Reported("phase", {"phase": "training"}))
    until(lambda: journal.keep_up() and rows.job(job).phase == "training")
    assert rows.job(job).checkpoint is None
    gate.opened.set()
    journal.settle(60, never)
    with database.write() as session:
        journal.write_rest(session)
    assert rows.job(job).checkpoint == {"epoch": 1, "step": 5, "attempt": 1}
