"""A worker that is killed while it writes a checkpoint or publishes; `make chaos` takes every step."""

from pathlib import Path

import pytest
from chaos.parts.crashes import killed_at


@pytest.fixture
def template(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.mark.parametrize("number", [2, 5, 20, 30])
def test_a_worker_that_is_killed_at_a_step_leaves_nothing_broken(
    number: int, tmp_path: Path, template: Path
) -> None:
    assert killed_at(number, tmp_path / "stage", template) == []
