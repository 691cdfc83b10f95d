"""What every slot of a worker works with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.database import Database
from app.settings import Settings
from app.storage import Store
from workers.child import Program
from workers.lending import Pool
from workers.supervisor import Limits

PROGRAMS: Mapping[str, Program] = {
    "training": Program(
        "workers.children.trainer",
        preload=("tensorflow", "keras", "tf2onnx", "sklearn.metrics", "matplotlib.backends.backend_agg"),
    ),
    "reading": Program("workers.children.reader"),
    "evaluation": Program("workers.children.evaluator"),
}


@dataclass(frozen=True)
class Workshop:
    """Settings, database, store, the programs of each kind of job; ``draining`` says when to leave."""

    settings: Settings
    database: Database
    store: Store
    draining: Callable[[], bool]
    programs: Mapping[str, Program] = field(default_factory=lambda: PROGRAMS)
    limits: Limits = field(default_factory=Limits)
    pool: Pool = field(default_factory=lambda: Pool((), 1))
