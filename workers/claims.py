"""Claims: how one slot gets its next attempt, of a job of its own or as a member of a gang."""

import logging
import socket
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.jobs import finishing, gangs
from app.jobs.claiming import Reach, claim
from app.jobs.gangs import Place
from app.tables import Job
from workers.persistence import AWAY
from workers.workshop import Workshop

log = logging.getLogger(__name__)


class Claimed(NamedTuple):
    """The attempt that a slot has claimed, the devices that it needs, and its place and rank in a gang."""

    job: str
    attempt: int
    devices: int = 1
    place: Place | None = None
    rank: int = 0

    @property
    def member(self) -> Place | None:
        """The place in a gang of a slot that is not its chief's."""
        return self.place if self.rank else None


class NoAddress(Exception):
    """What was told as this machine's address among the members of a gang is none of its addresses."""


class _Seated(Exception):
    """The slot's offer was taken up while it claimed something else."""


class Claims:
    """The claims of slot ``number`` of a worker, for jobs of one sort."""

    def __init__(self, workshop: Workshop, sort: str, worker: str, number: int) -> None:
        self._workshop, self._sort = workshop, sort
        self._worker, self._number = worker, number
        self._offered: Place | None = None
        self._devices = 0

    @property
    def promised(self) -> int:
        """How many devices the slot needs as soon as the gang that it has offered itself to is whole."""
        return 0 if self._offered is None else self._devices

    @property
    def is_waiting(self) -> bool:
        """Whether the slot has offered itself to a gang and should soon look again."""
        return self._offered is not None

    def next(self, reach: Reach) -> Claimed | None:
        """Claim an attempt; None if there is none for this slot now."""
        database, lease = self._workshop.database, self._workshop.settings.lease_seconds
        if reach.in_all == 1 and self._offered is None:
            with database.write() as session:
                job = claim(session, self._sort, self._worker, reach=reach, lease=lease)
                return None if job is None else Claimed(job.id, job.attempt, job.devices)
        try:
            with database.write() as session:
                claimed, job_id = self._one_or_offer(session, reach)
        except _Seated:
            job_id, claimed = None, None
        if claimed is None and job_id is not None:
            with database.write() as session:
                gangs.gather(session, job_id, lease)
        claimed = claimed or self._seat()
        if claimed is not None or job_id is None:
            self._offered = None
        return claimed

    def withdraw(self) -> None:
        """Offer nothing any more: the slot ends."""
        self._give_up(self._offered, is_unused=True)

    def leave(self, claimed: Claimed) -> None:
        """Give up the seat of an attempt whose child is gone."""
        self._give_up(claimed.place)

    def _give_up(self, place: Place | None, *, is_unused: bool = False) -> None:
        if place is None:
            return
        try:
            with self._workshop.database.write() as session:
                seat = gangs.seated(session, place)
                if is_unused and seat is not None and seat.attempt is not None:
                    finishing.hand_back(session, seat.job_id, seat.attempt)
                gangs.leave(session, place)
        except AWAY:
            log.warning("the database is away; the seat in the gang is given up when its time has run out")

    def _one_or_offer(self, session: Session, reach: Reach) -> tuple[Claimed | None, str | None]:
        """Claim a job of the slot's own, or offer the slot to the best one; return either."""
        lease = self._workshop.settings.lease_seconds
        job = claim(session, self._sort, self._worker, reach=reach, lease=lease)
        if job is None:
            place = self._offered or self._place()
            wanted = gangs.offer(session, self._sort, place, reach)
            # What was offered before may have been taken up, even if nothing is wanted any more.
            if wanted is None:
                return None, None
            self._offered, self._devices = place, wanted.devices
            return None, wanted.job
        if self._offered is not None and not gangs.withdraw(session, self._offered):
            raise _Seated
        return Claimed(job.id, job.attempt, job.devices), None

    def _seat(self) -> Claimed | None:
        """Return the slot's seat in a gang that is whole."""
        if self._offered is None:
            return None
        with self._workshop.database.read() as session:
            seat = gangs.seated(session, self._offered)
            if seat is None or seat.attempt is None:
                return None
            job = session.get_one(Job, seat.job_id)
            return Claimed(seat.job_id, seat.attempt, job.devices, self._offered, seat.rank or 0)

    def _place(self) -> Place:
        return Place(self._worker, self._number, free_address(self._workshop.settings.gang_host))


def free_address(host: str) -> str:
    """Return ``host:port`` with a port of this machine that nobody listens on.

    Raises:
        NoAddress: ``host`` has no name that is known, or is another machine's.
    """
    try:
        with socket.create_server((host, 0)) as free:
            return f"{host}:{free.getsockname()[1]}"
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        raise NoAddress(
            f"KERAFORGE_GANG_HOST must be an address or a name of this machine, got {host}: {reason}."
        ) from None
