"""One-time codes of the link that ``keraforge up`` prints."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.base import Base, Identified


class LoginCode(Identified, Base):
    """A code that opens one browser session, once, before it expires."""

    __tablename__ = "login_codes"

    digest: Mapped[str] = mapped_column(unique=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
