"""The checker is worth something: it finds each planted bug, and nothing in the same scene without it."""

from importlib import import_module
from pathlib import Path

import pytest
from chaos import planted
from chaos.checker import check
from chaos.stage import Stage


def test_there_are_bugs_enough() -> None:
    assert len(planted.BUGS) >= 12


@pytest.mark.parametrize("bug", planted.BUGS)
def test_a_planted_bug_is_found(
    bug: str, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, template = import_module(f"chaos.planted.{bug}"), Path(sqlite_url.removeprefix("sqlite:///"))
    sound = Stage(tmp_path / "sound", template)
    module.scene(sound)
    assert check(sound.close()) == []
    planted.plant(bug, monkeypatch.setattr)
    broken = Stage(tmp_path / "broken", template)
    module.scene(broken)
    found = check(broken.close())
    assert module.FOUND_BY in {violation.invariant for violation in found}, found
