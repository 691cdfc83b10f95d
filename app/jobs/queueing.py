"""New jobs: every row of ``jobs`` begins here, with its first event and a ring of the doorbell."""

from typing import Any

from sqlalchemy.orm import Session

from app.database import ring_after_commit
from app.identifiers import new_id
from app.jobs.events import append_state
from app.jobs.states import SLOT_OF_KIND, JobKind
from app.tables import Job


def queue(session: Session, kind: JobKind, owner: str | None, **columns: Any) -> Job:
    """Add a queued job and ring for the slots that may run it, once the transaction commits."""
    slot = SLOT_OF_KIND[kind]
    job = Job(
        id=new_id("job"), owner=owner, kind=kind, slot=slot, state="queued", attempt=0, phases=[], **columns
    )
    session.add(job)
    session.flush()
    append_state(session, job)
    ring_after_commit(session, slot)
    return job
