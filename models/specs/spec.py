"""What all specs share: a value from the outside that is exact about its fields and their types."""

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Immutable; refuses unknown fields, strings or booleans for numbers, and NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
