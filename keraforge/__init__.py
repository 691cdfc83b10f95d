"""Train and serve neural networks over REST: the Python client of Keraforge."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from keraforge.client.answers import (
    Anomalies,
    Anomaly,
    Codes,
    Prediction,
    Predictions,
    Reconstructions,
    Samples,
    Text,
)
from keraforge.client.records import (
    Dataset,
    DatasetVersion,
    Evaluation,
    Event,
    Job,
    Key,
    Model,
    ModelVersion,
    TrashItem,
    Worker,
)
from keraforge.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    JobFailed,
    KeraforgeError,
    NotFound,
    NotRunning,
    ReadingFailed,
    Refused,
    ServiceTrouble,
    TooLarge,
    TooMany,
    Unauthorized,
    Unsupported,
    WaitedTooLong,
)

if TYPE_CHECKING:
    from keraforge.client.client import AsyncClient, Client

__all__ = [
    "Anomalies",
    "Anomaly",
    "AsyncClient",
    "BadRequest",
    "Client",
    "Codes",
    "Conflict",
    "Dataset",
    "DatasetVersion",
    "Evaluation",
    "Event",
    "Forbidden",
    "Invalid",
    "Job",
    "JobFailed",
    "KeraforgeError",
    "Key",
    "Model",
    "ModelVersion",
    "NotFound",
    "NotRunning",
    "Prediction",
    "Predictions",
    "ReadingFailed",
    "Reconstructions",
    "Refused",
    "Samples",
    "ServiceTrouble",
    "Text",
    "TooLarge",
    "TooMany",
    "TrashItem",
    "Unauthorized",
    "Unsupported",
    "WaitedTooLong",
    "Worker",
]


def __getattr__(name: str) -> Any:
    # What takes long to load is loaded when it is first asked for, so that the command line starts fast.
    if name in {"AsyncClient", "Client"}:
        return getattr(import_module("keraforge.client.client"), name)
    if name == "__version__":
        return import_module("importlib.metadata").version("keraforge")
    raise AttributeError(f"module 'keraforge' has no attribute {name!r}")
