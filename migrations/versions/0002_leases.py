"""Leases, restarts and checkpoints of jobs; the queue's index in the queue's order."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_ADDED = (
    ("era", sa.String(length=255)),
    ("lease_until", sa.Double()),
    ("not_before", sa.Double()),
    ("checkpoint", sa.JSON()),
    ("stop_requested_at", sa.DateTime(timezone=True)),
    ("child_gone_at", sa.DateTime(timezone=True)),
    ("cloned_from", sa.String(length=255)),
)


def upgrade() -> None:
    for name, kind in _ADDED:
        op.add_column("jobs", sa.Column(name, kind, nullable=True))
    op.add_column("jobs", sa.Column("restarts", sa.Integer(), nullable=False, server_default="0"))
    op.drop_index("ix_jobs_queue", "jobs")
    op.create_index("ix_jobs_queue", "jobs", ["slot", "state", sa.text("priority DESC"), "id"])


def downgrade() -> None:
    op.drop_index("ix_jobs_queue", "jobs")
    op.create_index("ix_jobs_queue", "jobs", ["slot", "state", "priority", "id"])
    for name in ("restarts", *(name for name, _ in reversed(_ADDED))):
        op.drop_column("jobs", name)
