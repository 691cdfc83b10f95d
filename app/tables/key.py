"""Keys that open the service; only a digest of the secret is stored."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, Identified


class Key(Identified, Base):
    """One key: a name for people, the SHA-256 of its text, what it may do."""

    __tablename__ = "keys"

    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[Any]]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
