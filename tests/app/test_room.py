from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from disks import filled
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.database import Database
from app.edge.problems import problem_of
from app.errors import Unavailable
from app.room import Room, is_full


def test_an_array_that_a_disk_cannot_take_says_that_it_is_full(
    small_disk: Callable[..., Path], tmp_path: Path
) -> None:
    disk = small_disk(tmp_path / "disk")
    with pytest.raises(OSError, match="requested and") as caught:
        np.save(disk / "x.npy", np.zeros(10**6))
    assert is_full(caught.value, disk)
    assert not is_full(caught.value)
    assert not is_full(caught.value, tmp_path)
    (disk / "x.npy").unlink()
    assert not is_full(caught.value, disk)


def test_a_database_on_a_full_disk_says_so(small_disk: Callable[..., Path], tmp_path: Path) -> None:
    disk = small_disk(tmp_path / "disk")
    database = Database(f"sqlite:///{disk / 'keraforge.db'}")
    with database.write() as session:
        session.execute(text("CREATE TABLE t (x)"))
    filled(disk)

    def write() -> None:
        with database.write() as session:
            session.execute(text("INSERT INTO t VALUES (:x)"), {"x": "x" * 10**5})

    with pytest.raises(OperationalError) as caught:
        write()
    database.close()
    assert is_full(caught.value)
    assert problem_of(caught.value).code == "storage_low"


def test_an_error_that_came_of_a_full_disk_counts_as_one() -> None:
    error = ValueError("could not write")
    error.__cause__ = OSError(28, "No space left on device")
    assert is_full(error)
    assert not is_full(ValueError("no"))
    assert not is_full(FileNotFoundError(2, "no"))


def test_there_is_room_for_what_leaves_the_reserve(small_disk: Callable[..., Path], tmp_path: Path) -> None:
    disk = small_disk(tmp_path / "disk")
    room = Room(disk, 1024**2)
    room.require(1024**2)
    with pytest.raises(Unavailable) as caught:
        room.require(1024**2 + 1)
    assert (caught.value.code, caught.value.status) == ("storage_low", 503)
    filled(disk)
    with pytest.raises(Unavailable):
        room.require(0)
