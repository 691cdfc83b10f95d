"""The conclusion of an attempt: what its ending means for the job, written in one fenced transaction."""

import errno
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.evaluations import finishing as evaluations
from app.jobs import finishing, gangs
from app.jobs.fence import held
from app.jobs.recording import Reported
from app.jobs.states import HELD
from app.registry.publishing import publish
from app.storage import Away
from app.tables import Job
from app.tables.base import now
from workers import failures
from workers.journal import Journal
from workers.patience import PatientStore
from workers.persistence import persist
from workers.protocol import EXIT_DONE, EXIT_STOPPED, Order
from workers.results import EvaluationResult, ReadingResult, TrainingResult, adopt
from workers.supervisor import Ending
from workers.workshop import Workshop

LAST_OUTPUT_CHARACTERS = 2000
# Who stops a service may tell its children first.
WORKER_FOLLOWS_SECONDS = 1.0
# So long the members of a gang wait for each other's word when it comes to an end.
OTHERS_SECONDS = 5.0
LEAVING = frozenset({"cancelled", "paused", "drained"})

Finish = Callable[[Session], object]

log = logging.getLogger(__name__)


class Conclusion:
    """Writes the end of one attempt, together with what its child said last."""

    def __init__(self, workshop: Workshop, order: Order, journal: Journal) -> None:
        self._workshop = workshop
        self._order = order
        self._journal = journal
        self._attempt = (order.job, order.attempt)
        self._restarts = workshop.settings.restarts
        self._store = PatientStore(workshop.store, journal, workshop.draining)

    def write(self, ending: Ending, output: Path, memory_kills_before: int | None) -> None:
        """Write what ``ending`` means; ``output`` is the child's output folder."""
        if ending.cause == "lost":
            return
        gone = now()
        # Files that are large take longer to move than a lease lasts.
        with self._journal.renewing():
            if self._is_gang:
                self._hear_others(ending)
            finish = self._finish(ending, output, memory_kills_before)

        def change(session: Session) -> None:
            self._journal.write_rest(session)
            if job := held(session, *self._attempt):
                job.child_gone_at = gone
                session.flush()
            finish(session)

        persist(self._workshop.database, change, self._workshop.draining)

    def _finish(self, ending: Ending, output: Path, memory_kills_before: int | None) -> Finish:
        if ending.cause == "cancelled":
            return self._cancelled
        if ending.cause == "hung":
            return self._fail(failures.silent_for(self._workshop.limits.silence))
        if ending.result is not None and ending.status == EXIT_DONE:
            return self._complete(ending.result, output)
        if ending.cause == "overdue":
            return self._fail(failures.overdue(self._workshop.limits.whole))
        handed_back = ending.cause in {"drained", "paused"}
        if handed_back or (ending.status == EXIT_STOPPED and (self._is_gang or self._worker_follows())):
            return self._hand_back
        failure = ending.failure or self._unexplained(ending, memory_kills_before)
        return self._lose(failure, failures.restarts_after(failure, ending.status, self._restarts))

    @property
    def _is_gang(self) -> bool:
        return self._order.kind == "training" and self._order.gang is not None

    def _hear_others(self, ending: Ending) -> None:
        """Wait a little for the other members of a gang.

        They may know why it broke off; where it was to leave, all of them leave before the job moves on.
        """
        until = time.monotonic() + OTHERS_SECONDS
        is_lost = (ending.failure or {}).get("code") == "worker_lost"
        is_leaving = ending.cause in LEAVING or ending.status == EXIT_STOPPED
        while (is_lost or is_leaving) and time.monotonic() < until:
            with self._workshop.database.read() as session:
                job = session.get_one(Job, self._order.job)
                if job.attempt != self._order.attempt or job.state not in HELD:
                    return
                if not is_lost and not gangs.others(session, *self._attempt):
                    return
            time.sleep(0.1)

    def _unexplained(self, ending: Ending, memory_kills_before: int | None) -> dict[str, Any]:
        text = ending.output.decode(errors="replace").replace("\0", "").strip()[-LAST_OUTPUT_CHARACTERS:]
        if text:
            log.warning("its child printed last: %s", text)
            self._journal.add(Reported("log", {"level": "error", "message": text}))
        if ending.status < 0:
            return failures.killed(-ending.status, memory_kills_before)
        return failures.left_with(ending.status)

    def _complete(self, result: dict[str, Any], output: Path) -> Finish:
        """Move the files into the store; what is left is one transaction."""
        try:
            if self._order.kind == "training":
                return self._published(TrainingResult.model_validate(result), output)
            if self._order.kind == "evaluation":
                return self._evaluated(EvaluationResult.model_validate(result), output)
            return self._read(ReadingResult.model_validate(result), output)
        except Away as error:
            # It was waited for until the worker had to leave, or the job to stop.
            log.warning("what was made is given up: %s", error)
            return self._hand_back
        except OSError as error:
            log.exception("the store cannot take its files")
            return self._not_stored(error)
        except ValueError:
            log.exception("its result cannot be used")
            return self._fail(failures.internal())

    def _not_stored(self, error: OSError) -> Finish:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return self._lose(failures.storage_low(), self._restarts)
        return self._fail(failures.internal())

    def _published(self, result: TrainingResult, output: Path) -> Finish:
        files = adopt(self._store, output, result.files)

        def finish(session: Session) -> None:
            job = held(session, *self._attempt)
            if job is not None and job.state != "cancelling":
                publish(session, job, result.model_dump(mode="json"), files)
            else:
                finishing.cancelled(session, *self._attempt)

        return finish

    def _evaluated(self, result: EvaluationResult, output: Path) -> Finish:
        files = adopt(self._store, output, result.files)
        return lambda session: evaluations.finish(session, *self._attempt, result.metrics, files)

    def _read(self, result: ReadingResult, output: Path) -> Finish:
        files = adopt(self._store, output, result.files)
        found = result.model_dump(mode="json")
        limit = self._workshop.settings.max_parameters
        return lambda session: finishing.finish_reading(
            session, *self._attempt, found, files, max_parameters=limit
        )

    def _fail(self, failure: dict[str, Any]) -> Finish:
        return lambda session: finishing.fail(session, *self._attempt, failure)

    def _lose(self, failure: dict[str, Any], restarts: int) -> Finish:
        return lambda session: finishing.lose(session, *self._attempt, failure, restarts)

    def _cancelled(self, session: Session) -> None:
        finishing.cancelled(session, *self._attempt)

    def _hand_back(self, session: Session) -> None:
        finishing.hand_back(session, *self._attempt)

    def _worker_follows(self) -> bool:
        """Tell whether the worker was told to stop too, in which case the child did not fail."""
        until = time.monotonic() + WORKER_FOLLOWS_SECONDS
        while not self._workshop.draining() and time.monotonic() < until:
            time.sleep(0.05)
        return self._workshop.draining()
