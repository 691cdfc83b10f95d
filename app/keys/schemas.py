"""What the addresses under ``/keys`` take and answer."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.keys.scopes import Scope
from app.tables.base import now

LONGEST_LIFETIME = timedelta(days=36_500)


def _in_the_future(moment: AwareDatetime) -> AwareDatetime:
    if not now() < moment < now() + LONGEST_LIFETIME:
        raise PydanticCustomError("not_in_the_future", "Expected a moment in the next hundred years.")
    return moment


class KeyCreate(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="For people.", examples=["laptop"]
    )
    scopes: list[Scope] = Field(
        min_length=1, max_length=20, description="What the key opens; admin opens everything."
    )
    expires_at: Annotated[AwareDatetime, AfterValidator(_in_the_future)] | None = Field(
        None, description="When the key stops by itself; never if left out."
    )


class KeyRead(BaseModel):
    """A key, without its text."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    scopes: list[Scope]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="To the minute.")


class KeyCreated(KeyRead):
    """A new key with its text."""

    key: str = Field(description="The key itself: shown now and never again.")
