"""Files that no row names, and those who add one again meanwhile."""

import fcntl
import threading
from typing import Any

import pytest
from sqlalchemy import update

from app.database import Database
from app.datasets import repository
from app.tables import DatasetVersion, Job

OLD = 25 * 3600.0


def test_a_file_that_no_row_names_goes_when_it_is_a_day_old(yard: Any) -> None:
    old, young = yard.keep("old", OLD), yard.keep("young", OLD - 2 * 3600)
    [planned] = yard.plan()
    assert (planned.kind, planned.name, planned.bytes) == ("object", old["sha256"], 3)
    assert yard.has(old)
    assert yard.run() == [planned]
    assert (yard.has(old), yard.has(young)) == (False, True)
    assert yard.run() == []


def test_what_any_row_names_stays(yard: Any, rows: Any, any_registry: Any, database: Database) -> None:
    uploaded, read, found = (yard.keep(name, OLD) for name in ("uploaded", "read", "found"))
    rows.version(source=uploaded, files={"x.npy": read})
    job_id = rows.training()
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job_id).values(result={"files": {"report.json": found}}))
    version = any_registry.publish()
    for file in version.files.values():
        yard.keep_old = file
    assert [each for each in yard.run(days=2) if each.kind == "object"] == []
    assert all(yard.has(file) for file in (uploaded, read, found, *version.files.values()))


def test_what_is_in_the_trash_keeps_its_files(yard: Any, rows: Any, database: Database) -> None:
    file = yard.keep("read", OLD)
    version = rows.version(files={"x.npy": file})
    with database.write() as session:
        row = session.get_one(DatasetVersion, version)
        row.deleted_at = yard.site().moment
    assert yard.run() == []
    assert yard.has(file)


def test_a_file_that_is_added_again_after_the_plan_stays(yard: Any) -> None:
    old = yard.keep("again", OLD)
    [planned] = yard.plan()
    assert yard.keep("again") == old
    assert not planned.remove()
    assert yard.has(old)


def test_who_adds_a_file_and_who_discards_it_wait_for_each_other(yard: Any, older: Any) -> None:
    file = yard.keep("again", OLD)
    path, told = yard.store.path(file["sha256"]), []
    [planned] = yard.plan()
    thread = threading.Thread(target=lambda: told.append(planned.remove()))
    with (yard.settings.data_dir / "objects.lock").open("w") as lock:
        # As one who adds it and has looked away between two steps.
        fcntl.flock(lock, fcntl.LOCK_SH)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        older(path, 0)
    thread.join(30)
    assert (told, path.exists()) == ([False], True)


def test_two_who_collect_at_once_are_in_nobodys_way(yard: Any) -> None:
    yard.keep("old", OLD)
    first, second = yard.plan()[0], yard.plan()[0]
    assert (first.remove(), second.remove()) == (True, False)


@pytest.mark.parametrize("deleted", [False, True])
def test_bytes_that_were_uploaded_are_known_until_the_trash_is_emptied(
    yard: Any, rows: Any, database: Database, deleted: bool
) -> None:
    file = yard.keep("uploaded", OLD)
    version = rows.version(source=file)
    if deleted:
        with database.write() as session:
            session.get_one(DatasetVersion, version).deleted_at = yard.site().moment
    yard.run(days=31)
    with database.write() as session:
        known = repository.source_of_content(session, "local", file["sha256"])
    assert (known is None, yard.has(file)) == (deleted, not deleted)
