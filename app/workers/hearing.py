"""Hearing of workers: each says every few seconds that it is there, and learns whether it shall drain."""

import os
import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from app.jobs.leasing import era, moment
from app.tables import Worker
from app.tables.base import now

# Those that were lost are shown for a day.
KEPT_SECONDS = 86_400.0


class Equipment(NamedTuple):
    """What a worker has: slots of each sort, the names of its GPUs, and whether it takes part in gangs."""

    slots: Mapping[str, int]
    devices: Sequence[str] = ()
    gang: bool = False


def announce(session: Session, name: str, equipment: Equipment, seconds: float) -> None:
    """Begin a life of a worker, which is heard of again within ``seconds``; forget those long lost."""
    old = or_(Worker.era != era(session), Worker.heard_until < moment(session) - KEPT_SECONDS)
    session.execute(delete(Worker).where(or_(old, Worker.id == name)))
    begun = now()
    session.add(
        Worker(
            id=name,
            created_at=begun,
            heard_at=begun,
            host=socket.gethostname(),
            process=os.getpid(),
            slots=dict(equipment.slots),
            devices=list(equipment.devices),
            gang=equipment.gang,
            era=era(session),
            heard_until=session.scalar(select(moment(session) + seconds)),
        )
    )


def beat(session: Session, name: str, equipment: Equipment, seconds: float) -> bool:
    """Say that the worker is there for another ``seconds``; return whether somebody wants it to drain."""
    found = session.execute(
        update(Worker)
        .where(Worker.id == name)
        .values(era=era(session), heard_until=moment(session) + seconds, heard_at=now())
        .returning(Worker.drain_requested_at)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if found is None:
        announce(session, name, equipment, seconds)
    return found is not None and found.drain_requested_at is not None


def gang_slots(session: Session) -> int:
    """Return how many training slots there are that can train one job together."""
    heard = (Worker.era == era(session)) & (Worker.heard_until >= moment(session))
    query = select(Worker.slots).where(heard, Worker.gang, Worker.drain_requested_at.is_(None))
    return sum(slots.get("training", 0) for slots in session.scalars(query))


def leave(session: Session, name: str) -> None:
    """End a worker's life in order."""
    session.execute(delete(Worker).where(Worker.id == name))
