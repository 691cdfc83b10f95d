import json
import math
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from models.checkpoints import Checkpoint, newest, remove, save

TREE = Path(__file__).parents[2]
KILLED = 137
# Saves the second checkpoint of a folder, and is killed at the n-th call that changes what is on the disk.
PROGRAM = """
import os, sys
from pathlib import Path
import numpy as np
from models.checkpoints import Checkpoint, save
left = int(sys.argv[2])
def counted(call):
    def made(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os._exit(137)
        return call(*arguments, **options)
    return made
for name in ("mkdir", "rename", "fsync", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
np.lib.format.write_array = counted(np.lib.format.write_array)
save(Path(sys.argv[1]), Checkpoint({"a": np.arange(5), "b": np.ones(3)}, {"step": 2}))
"""


def numbered(step: int) -> Checkpoint:
    return Checkpoint({"weights": np.full((3, 2), step, np.float32)}, {"step": step})


def files_of(folder: Path) -> list[Path]:
    """What is in a folder, the oldest checkpoint first."""
    return sorted(folder.iterdir())


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The disk is full for whatever is longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_is_saved_is_found_bit_for_bit(tmp_path: Path) -> None:
    # A NaN of its own bits, a zero with a sign, a number that decimal digits would cut short.
    odd = np.frombuffer(np.array([0x7FC01234, 0x80000000, 0x3EAAAAAB], np.uint32).tobytes(), np.float32)
    arrays = {"state/0": odd, "seeds": np.array([1, 2**32 - 1], np.uint32), "step": np.array(7, np.int64)}
    facts = {"loss": 0.1 + 0.2, "best": math.inf, "texts": {"1": "für\0"}, "epochs": [{"epoch": 1}]}
    save(tmp_path / "deep" / "down", Checkpoint(arrays, facts))
    found = newest(tmp_path / "deep" / "down")
    assert found is not None
    assert found.facts == facts
    assert {name: (a.dtype, a.shape, a.tobytes()) for name, a in found.arrays.items()} == {
        name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()
    }


def test_two_are_kept_and_the_newest_is_found(tmp_path: Path) -> None:
    assert newest(tmp_path / "nowhere") is None
    for step in range(1, 12):
        save(tmp_path, numbered(step))
        assert newest(tmp_path).facts == {"step": step}
    assert len(files_of(tmp_path)) == 2
    remove(tmp_path)
    assert not tmp_path.exists()
    remove(tmp_path)


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "gone"])
def test_one_that_is_damaged_is_passed_over(tmp_path: Path, damage: str) -> None:
    for step in (1, 2):
        save(tmp_path, numbered(step))
    *_, last = files_of(tmp_path)
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "gone":
        last.unlink()
    else:
        last.write_bytes({"flipped": content, "cut": content[:-1], "empty": b""}[damage])
    assert newest(tmp_path).facts == {"step": 1}
    save(tmp_path, numbered(3))
    assert newest(tmp_path).facts == {"step": 3}


def test_whoever_is_killed_while_writing_leaves_a_whole_one(tmp_path: Path) -> None:
    found = []
    for call in range(20):
        folder = tmp_path / str(call)
        save(folder, Checkpoint({"a": np.zeros(5)}, {"step": 0}))
        save(folder, Checkpoint({"a": np.zeros(5)}, {"step": 1}))
        command = [sys.executable, "-c", PROGRAM, str(folder), str(call)]
        status = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(TREE)}, check=False).returncode
        found.append(newest(folder).facts["step"])
        # Whoever comes next has a clean folder.
        save(folder, numbered(3))
        assert newest(folder).facts["step"] == 3
        assert len(files_of(folder)) == 2
        if status == 0:
            break
        assert status == KILLED
    assert call > 5
    assert found == sorted(found)
    assert {found[0], found[-1]} == {1, 2}


def test_on_a_full_disk_what_was_there_stays(tmp_path: Path) -> None:
    save(tmp_path, numbered(1))
    save(tmp_path, numbered(2))
    before = files_of(tmp_path)
    large = Checkpoint({"weights": np.zeros(10**5)}, {"step": 3})
    with files_of_at_most(10**5), pytest.raises(OSError, match="too large"):
        save(tmp_path, large)
    assert files_of(tmp_path) == before
    assert newest(tmp_path).facts == {"step": 2}
    save(tmp_path, large)
    assert newest(tmp_path).facts == {"step": 3}


def test_nothing_is_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        save(tmp_path, Checkpoint({"weights": np.array([{}], object)}, {}))
    assert files_of(tmp_path) == []


def test_neither_the_files_nor_their_keeper_load_tensorflow() -> None:
    code = "import sys, json, models.checkpoints, models.keeper; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-P", "-c", code],
        check=True,
        capture_output=True,
        env={"PYTHONPATH": str(TREE)},
    ).stdout
    assert not {"tensorflow", "keras"} & set(json.loads(printed))
