"""Devices: those of a worker, and how many a job needs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("devices", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("jobs", sa.Column("devices", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("jobs", "devices")
    op.drop_column("workers", "devices")
