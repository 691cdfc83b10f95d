"""A worker is killed at each step of a checkpoint and of publishing; the next one ends its job as it must."""

import os
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

from chaos.checker import Violation, check
from chaos.outcome import Options, Outcome, timed
from chaos.stage import Stage

from app.migrating import migrate

HERE = Path(__file__).parents[2]


def run(options: Options, folder: Path) -> Outcome:
    """Kill at every step there is."""
    template = folder / "template.db"
    migrate(f"sqlite:///{template}")
    with timed(Outcome("crashes")) as outcome:
        for number in count(1):
            found = killed_at(number, folder / f"step-{number}", template)
            if found is None:
                break
            outcome.figures["steps"] = number
            outcome.violations += found
    return outcome


def killed_at(number: int, folder: Path, template: Path) -> list[Violation] | None:
    """Kill a worker at one step, have another go on, and return what is broken; None if it ended before."""
    Stage(folder, template).prepared("one")
    status = _crashing(folder, number).returncode
    assert status in {0, -9}, f"step {number} ended with {status}"
    if status == 0:
        return None
    stage = Stage.again(folder)
    stage.lose_all()
    if attempt := stage.claim("next"):
        attempt.finish()
    return check(stage.close())


def _crashing(folder: Path, number: int) -> subprocess.CompletedProcess:
    path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", "chaos.crashing", str(folder), str(number)]
    return subprocess.run(
        command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False,
        cwd=tempfile.gettempdir(),
    )  # fmt: skip
