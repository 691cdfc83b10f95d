"""Sessions of browsers that came in by a one-time link."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, Identified


class BrowserSession(Identified, Base):
    """A cookie's digest and the key whose rights it carries."""

    __tablename__ = "browser_sessions"

    digest: Mapped[str] = mapped_column(unique=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id"))
    expires_at: Mapped[datetime]
