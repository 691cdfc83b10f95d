"""What the addresses under ``/workers`` answer."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class WorkerRead(BaseModel):
    """A worker as it was last heard of."""

    id: str = Field(examples=["worker_01jd3n6y0q8v5w2x4z7b9c1d3f"])
    state: Literal["working", "draining", "drained", "lost"] = Field(
        description="`draining`: it hands its jobs back; `drained`: it has none and takes none. `lost`: it "
        "was not heard of for as long as a lease."
    )
    host: str
    process: int = Field(description="Its process number there.")
    slots: dict[str, int] = Field(description="Slots of each sort.", examples=[{"training": 1, "light": 1}])
    devices: list[str] = Field(
        description="Its GPUs, one for each training slot; empty where the processor trains.",
        examples=[["NVIDIA H200"]],
    )
    gang: bool = Field(description="Whether its training slots train jobs together with others.")
    jobs: list[str] = Field(description="The jobs that it runs now.")
    started_at: datetime
    heard_at: datetime
    drain_requested_at: datetime | None
