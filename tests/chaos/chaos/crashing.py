"""A worker that is killed at one of its steps that touch the disk or the database: STAGE NUMBER.

It takes one job to its end, with two checkpoints; a NUMBER that it does not reach does not kill it.
"""

import os
import signal
import sys
from pathlib import Path

from chaos.stage import Stage
from sqlalchemy import event

WATCHED = {"os.rename", "os.remove", "os.mkdir", "os.chmod", "shutil.rmtree"}
STEPS_BEFORE = 13


class Counter:
    """Counts steps, and ends this process at the one of a number."""

    def __init__(self, last: int) -> None:
        self.count, self._last = 0, last

    def step(self, *_: object) -> None:
        """Count one."""
        self.count += 1
        if self.count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, stage: Stage) -> None:
        """Count from now on."""
        sync = os.fsync

        def syncing(descriptor: int) -> None:
            self.step()
            sync(descriptor)

        os.fsync = syncing
        event.listen(stage.database.engine, "commit", self.step)
        event.listen(stage.database.engine, "after_cursor_execute", self._wrote)
        sys.addaudithook(lambda name, _: self.step() if name in WATCHED else None)

    def _wrote(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("INSERT INTO model", "UPDATE jobs", "INSERT INTO alias")):
            self.step()


def main(folder: Path, number: int) -> None:
    """Run the job."""
    stage, counter = Stage.again(folder), Counter(number)
    attempt = stage.begin().steps(STEPS_BEFORE, kept=False)
    counter.watch(stage)
    attempt.steps(1)
    attempt.finish()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
