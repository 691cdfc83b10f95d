import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from brokers import broker_of
from kombu import Connection

from app.database import Database, ring_after_commit
from app.doorbell import Doorbell
from app.settings import Settings

BOTH = frozenset({"training", "light"})


@pytest.fixture(params=["redis", pytest.param("rabbitmq", marks=pytest.mark.long)])
def broker(request: pytest.FixtureRequest) -> Any:
    """A broker that does not run."""
    broker = broker_of(request)
    broker.kill()
    return broker


def settings_with(tmp_path: Path, broker_url: str = "") -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, broker_url=broker_url)


def messages(folder: Path, slot: str) -> int:
    return len(list(folder.glob(f"*.{slot}.msg")))


def test_a_ring_is_a_message_for_each_slot(tmp_path: Path) -> None:
    doorbell = Doorbell(settings_with(tmp_path))
    doorbell.ring(BOTH)
    doorbell.close()
    assert [messages(tmp_path / "broker", slot) for slot in sorted(BOTH)] == [1, 1]


def test_a_committed_transaction_rings_and_one_that_is_rolled_back_does_not(
    tmp_path: Path, sqlite_url: str
) -> None:
    doorbell = Doorbell(settings_with(tmp_path))
    database = Database(sqlite_url, on_commit=doorbell.ring)

    def ring_and_fail() -> None:
        with database.write() as session:
            ring_after_commit(session, "light")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        ring_and_fail()
    with database.write() as session:
        ring_after_commit(session, "training")
    database.close()
    doorbell.close()
    assert [messages(tmp_path / "broker", slot) for slot in ("light", "training")] == [0, 1]


def test_a_broker_that_hangs_stops_nobody_and_gathers_nothing(
    tmp_path: Path, until: Callable[..., Any]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        doorbell = Doorbell(settings_with(tmp_path, f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"))
        for _ in range(10_000):
            doorbell.ring(BOTH)
        until(lambda: doorbell.failed >= 2, "the publisher to give up")
        doorbell.close()
    # The rings of the first moment, and all that came while those were being published.
    assert doorbell.failed <= 2 * len(BOTH)


def test_a_broker_that_is_gone_is_logged_once_and_so_is_its_return(
    tmp_path: Path,
    until: Callable[..., Any],
    broker: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "app.doorbell")
    doorbell = Doorbell(settings_with(tmp_path, broker.url))
    for failed in (1, 2, 3):
        doorbell.ring(frozenset({"training"}))
        until(lambda failed=failed: doorbell.failed == failed, "a failure")
    broker.start()
    doorbell.ring(frozenset({"training"}))
    doorbell.close()
    said = [record.message.split(" (")[0] for record in caplog.records]
    assert said == ["the broker takes no rings", "the broker takes rings again; 3 were lost"]
    with Connection(broker.url) as connection, connection.SimpleQueue("training") as queue:
        message = queue.get(timeout=5)
        message.ack()
        assert message.headers["task"] == "ring"
        assert message.payload[0] == ["training"]
