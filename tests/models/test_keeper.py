from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.checkpoints import Checkpoint
from models.keeper import Keeper


class Told(list):
    def __call__(self, kind: str, figures: dict[str, Any]) -> None:
        self.append((kind, figures))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [figures for each, figures in self if each == kind]


@pytest.fixture
def told() -> Told:
    return Told()


def at(step: int, epochs: int = 0, stop_reason: str | None = None) -> Checkpoint:
    facts = {"step": step, "epochs": [{}] * epochs, "seconds": step / 10, "stop_reason": stop_reason}
    return Checkpoint({"weights": np.zeros(3)}, facts)


def test_what_is_kept_is_told_and_found(tmp_path: Path, told: Told) -> None:
    keeper = Keeper(tmp_path / "job", told)
    assert keeper.newest() is None
    keeper.keep(at(12, epochs=2))
    assert told == [("checkpoint", {"step": 12, "epoch": 2, "seconds": 1.2})]
    assert Keeper(tmp_path / "job", told).newest().facts["step"] == 12
    assert keeper.spent > 0


def test_the_same_place_is_not_kept_twice_by_whoever_went_on_from_it(tmp_path: Path, told: Told) -> None:
    Keeper(tmp_path, told).keep(at(12, epochs=2))
    keeper = Keeper(tmp_path, told)
    keeper.newest()
    keeper.keep(at(12, epochs=2))
    assert len(told) == 1
    # Validated, or over, it is another place.
    keeper.keep(at(12, epochs=3))
    keeper.keep(at(12, epochs=3, stop_reason="completed"))
    assert len(told) == 3


def test_it_is_due_neither_at_once_nor_when_it_would_take_too_long(tmp_path: Path, told: Told) -> None:
    always = Keeper(tmp_path, told, seconds=0)
    always.begin(10**12)
    assert always.is_due()
    often = Keeper(tmp_path, told, seconds=1e-9)
    often.begin(0)
    assert often.is_due()
    # Ten gigabytes take longer than they may in the time since.
    often.begin(10**10)
    assert not often.is_due()
    seldom = Keeper(tmp_path, told, seconds=3600)
    seldom.begin(0)
    assert not seldom.is_due()


def test_what_was_chosen_first_holds(tmp_path: Path, told: Told) -> None:
    assert Keeper(tmp_path, told).chosen({"threads": [1, 2]}) == {"threads": [1, 2]}
    assert Keeper(tmp_path, told).chosen({"threads": [4, 4]}) == {"threads": [1, 2]}
    assert Keeper(tmp_path, told, resume=False).chosen({"threads": [4, 4]}) == {"threads": [4, 4]}


def test_who_begins_anew_finds_nothing(tmp_path: Path, told: Told) -> None:
    keeper = Keeper(tmp_path, told)
    keeper.keep(at(3))
    keeper.part("fold-1", told).keep(at(5))
    anew = Keeper(tmp_path, told, resume=False)
    assert anew.newest() is None
    assert anew.part("fold-1", told).newest() is None


def test_parts_have_folders_of_their_own_and_count_what_was_before(tmp_path: Path, told: Told) -> None:
    keeper = Keeper(tmp_path, told)
    first, second = (keeper.part(f"fold-{number}", told) for number in (1, 2))
    first.keep(at(5))
    second.steps_before = 100
    second.keep(at(3))
    assert [place["step"] for place in told.of("checkpoint")] == [5, 103]
    assert first.newest().facts["step"] == 5
    assert second.newest().facts["step"] == 3
    assert keeper.newest() is None


def test_where_nothing_can_be_written_it_warns_once(tmp_path: Path, told: Told) -> None:
    folder = tmp_path / "job"
    folder.write_text("in the way")
    keeper = Keeper(folder, told)
    keeper.keep(at(1))
    keeper.keep(at(2))
    assert [line["level"] for line in told.of("log")] == ["warning"]
    assert told.of("checkpoint") == []
    folder.unlink()
    keeper.keep(at(3))
    assert [place["step"] for place in told.of("checkpoint")] == [3]
    assert keeper.newest().facts["step"] == 3
