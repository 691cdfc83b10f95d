"""What a service of several hosts stands on, all of it started for one part of a run."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from chaos.servers import Postgres, Redis, postgres_server, redis_server
from chaos.service import Plan


class Ground(NamedTuple):
    """The servers of a part."""

    redis: Redis
    postgres: Postgres

    def plan(self, *, workers: int = 2, slots: int = 2, **settings: Any) -> Plan:
        """Return the plan of a service that stands here."""
        given = {"broker_url": self.redis.url, **settings}
        return Plan(workers=workers, slots=slots, database_url=self.postgres.url, settings=given)


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """Run Redis and PostgreSQL."""
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(folder))
        yield Ground(redis, stack.enter_context(postgres_server(folder / "postgres.log")))
