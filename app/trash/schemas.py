"""What the addresses under ``/trash`` answer."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

Kind = Literal["dataset", "dataset_version", "model", "model_version", "job"]


class TrashRead(BaseModel):
    """Something that was deleted and can still be restored."""

    id: str = Field(examples=["ds_01jd3n6y0q8v5w2x4z7b9c1d3f"])
    kind: Kind = Field(description="With a dataset or a model, all versions that it had are restored.")
    name: str = Field(description="Its name, `name@number` of a version, the model of a job.")
    deleted_at: datetime
    kept_until: datetime = Field(description="From then on it may be emptied out of the trash.")
    links: dict[str, str]
