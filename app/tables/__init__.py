"""All tables, for Alembic and for readers: nothing else is here."""

from app.tables.alias import Alias
from app.tables.alias_event import AliasEvent
from app.tables.base import Base
from app.tables.browser_session import BrowserSession
from app.tables.dataset import Dataset
from app.tables.dataset_version import DatasetVersion
from app.tables.event import Event
from app.tables.idempotency_key import IdempotencyKey
from app.tables.job import Job
from app.tables.key import Key
from app.tables.login_code import LoginCode
from app.tables.metric_point import MetricPoint
from app.tables.model import RegisteredModel
from app.tables.model_version import ModelVersion
from app.tables.seat import Seat
from app.tables.worker import Worker

__all__ = [
    "Alias",
    "AliasEvent",
    "Base",
    "BrowserSession",
    "Dataset",
    "DatasetVersion",
    "Event",
    "IdempotencyKey",
    "Job",
    "Key",
    "LoginCode",
    "MetricPoint",
    "ModelVersion",
    "RegisteredModel",
    "Seat",
    "Worker",
]
