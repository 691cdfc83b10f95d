"""Gangs: how many slots a job is trained in together, and the seats of slots in them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("slots", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("workers", sa.Column("gang", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "seats",
        sa.Column("worker", sa.String(length=40), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=255), nullable=False),
        sa.Column("era", sa.String(length=255), nullable=False),
        sa.Column("heard_until", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_seats_job_id_jobs")),
        sa.PrimaryKeyConstraint("worker", "slot", name=op.f("pk_seats")),
    )
    op.create_index("ix_seats_job_id", "seats", ["job_id"])


def downgrade() -> None:
    op.drop_table("seats")
    op.drop_column("workers", "gang")
    op.drop_column("jobs", "slots")
