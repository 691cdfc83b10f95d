import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection, Queue

from app import folder_transport


def connect(folder: Path) -> Connection:
    folder_transport.register()
    return Connection("folder://localhost", transport_options={"folder": str(folder)})


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with connect(tmp_path) as connection:
        yield connection


def test_messages_come_in_the_order_in_which_they_were_sent(connection: Connection) -> None:
    with connection.SimpleQueue("light") as queue:
        for number in range(20):
            queue.put(number)
        received = []
        for _ in range(20):
            message = queue.get(timeout=5)
            message.ack()
            received.append(message.payload)
    assert received == list(range(20))


def test_a_message_reaches_only_its_own_queue(connection: Connection) -> None:
    with connection.SimpleQueue("light") as light, connection.SimpleQueue("training") as training:
        light.put("for light")
        assert training.qsize() == 0
        with pytest.raises(Empty):
            training.get(timeout=0.1)
        assert light.get(timeout=5).payload == "for light"


def test_a_message_that_was_taken_leaves_no_file(connection: Connection, tmp_path: Path) -> None:
    with connection.SimpleQueue("light") as queue:
        queue.put("ring")
        queue.get(timeout=5).ack()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b'{"body": "', b"\xff", b"[]", b"null"])
def test_a_file_that_is_no_message_is_removed_and_skipped(
    connection: Connection, tmp_path: Path, content: bytes
) -> None:
    with connection.SimpleQueue("light") as queue:
        (tmp_path / "00_torn.light.msg").write_bytes(content)
        queue.put("ring")
        assert queue.get(timeout=5).payload == "ring"
    assert not (tmp_path / "00_torn.light.msg").exists()


def test_every_message_of_several_senders_reaches_exactly_one_of_several_receivers(tmp_path: Path) -> None:
    received: list[str] = []

    def send(sender: int) -> None:
        with connect(tmp_path) as own, own.SimpleQueue("light") as queue:
            for number in range(150):
                queue.put(f"{sender} {number}")

    def receive() -> None:
        with connect(tmp_path) as own, own.SimpleQueue("light") as queue:
            while len(received) < 450:
                try:
                    message = queue.get(timeout=0.2)
                except Empty:
                    continue
                message.ack()
                received.append(message.payload)

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(3)]
    threads += [threading.Thread(target=receive) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(received) == Counter(f"{sender} {number}" for sender in range(3) for number in range(150))


def test_waiting_for_a_message_ends_long_before_the_time_that_was_asked_for(connection: Connection) -> None:
    with connection.Consumer([Queue("light")], callbacks=[lambda *_: None]), pytest.raises(TimeoutError):
        connection.drain_events(timeout=100_000)


def test_two_folders_in_one_process_do_not_mix(tmp_path: Path) -> None:
    with (
        connect(tmp_path / "one") as one,
        connect(tmp_path / "two") as two,
        one.SimpleQueue("light") as here,
        two.SimpleQueue("light") as there,
    ):
        here.put("for one")
        there.put("for two")
        assert (here.qsize(), there.qsize()) == (1, 1)
        assert there.get(timeout=5).payload == "for two"


def test_clearing_removes_messages_and_what_was_left_half_written(tmp_path: Path) -> None:
    for name in ("1_a.light.msg", "b.tmp", "a-file-of-somebody-else"):
        (tmp_path / name).write_bytes(b"")
    folder_transport.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a-file-of-somebody-else"]
    folder_transport.clear(tmp_path / "no such folder")


def test_purging_a_queue_counts_what_it_removes(connection: Connection) -> None:
    with connection.SimpleQueue("light") as queue:
        queue.put("ring")
        queue.put("ring")
        assert queue.clear() == 2
        assert queue.qsize() == 0
