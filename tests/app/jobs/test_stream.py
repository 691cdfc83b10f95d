import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from app.database import Database
from app.jobs import stream
from app.jobs.claiming import claim
from app.jobs.finishing import fail
from app.jobs.recording import Reported, record
from app.jobs.stream import Broadcaster
from app.jobs.verbs import retry

# Where no query differs between the databases.
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FAILURE = {"code": "crashed", "message": "it crashed", "hint": None, "retryable": True}


@pytest.fixture
def client(database: Database, serve: Callable[..., Any]) -> Iterator[httpx.Client]:
    """A client over a real socket: without one there is no stream."""
    with serve(database).client("admin") as client:
        yield client


def begin(database: Database) -> None:
    with database.write() as session:
        claim(session, "training", "w")


def log(database: Database, job: str, *messages: str) -> None:
    with database.write() as session:
        reports = [Reported("log", {"level": "info", "message": message}) for message in messages]
        assert record(session, job, 1, reports)


def end(database: Database, job: str) -> None:
    with database.write() as session:
        assert fail(session, job, 1, FAILURE)


@contextmanager
def listening(client: httpx.Client, job: str, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    """Listen to a job; yields its events as they come."""
    headers = {"Accept": "text/event-stream"} | {key.replace("_", "-"): text for key, text in headers.items()}
    with client.stream("GET", f"/api/v1/jobs/{job}/events", headers=headers, timeout=30) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    number = None
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            number = int(value)
        elif name == "data":
            found = json.loads(value)
            assert found["id"] == number
            yield found


def test_a_stream_tells_the_past_and_goes_on_until_the_job_has_ended(
    client: httpx.Client, rows: Any, database: Database
) -> None:
    job = rows.training()
    with listening(client, job) as events:
        assert next(events)["data"] == {"state": "queued"}
        begin(database)
        assert [next(events)["type"] for _ in range(2)] == ["state", "phase"]
        log(database, job, "one", "two")
        assert [next(events)["data"]["message"] for _ in range(2)] == ["one", "two"]
        end(database, job)
        assert [each["data"]["state"] for each in events] == ["failed"]


@sqlite_only
def test_a_stream_goes_on_after_the_last_event_that_was_seen(
    client: httpx.Client, rows: Any, database: Database
) -> None:
    job = rows.training()
    begin(database)
    log(database, job, *"abc")
    end(database, job)
    ids = [each.id for each in rows.events(job)]
    with listening(client, job, Last_Event_ID=str(ids[2])) as events:
        assert [each["id"] for each in events] == ids[3:]
    with listening(client, job) as events:
        assert [each["id"] for each in events] == ids


@sqlite_only
def test_a_stream_does_not_take_a_failure_that_was_retried_for_the_end(
    client: httpx.Client, rows: Any, database: Database
) -> None:
    job = rows.training()
    begin(database)
    end(database, job)
    with database.write() as session:
        retry(session, "local", job)
    with listening(client, job) as events:
        states = [next(events)["data"]["state"] for _ in range(2)]
        next(events)
        states += [next(events)["data"]["state"] for _ in range(2)]
        assert states == ["queued", "running", "failed", "queued"]
        begin(database)
        with database.write() as session:
            assert fail(session, job, 2, FAILURE)
        assert [each["data"].get("state") for each in events] == ["running", None, "failed"]


@sqlite_only
def test_when_all_was_seen_there_is_nothing_to_listen_to(
    client: httpx.Client, rows: Any, database: Database
) -> None:
    job = rows.training()
    begin(database)
    end(database, job)
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(rows.events(job)[-1].id)}
    assert client.get(f"/api/v1/jobs/{job}/events", headers=headers).status_code == 204


@sqlite_only
def test_an_event_id_that_is_none_is_refused(client: httpx.Client, rows: Any) -> None:
    for header in ("x", "-1", "9" * 30):
        headers = {"Accept": "text/event-stream", "Last-Event-ID": header}
        assert client.get(f"/api/v1/jobs/{rows.training()}/events", headers=headers).status_code == 422


@sqlite_only
def test_one_query_asks_for_all_listeners(
    client: httpx.Client, rows: Any, database: Database, until: Callable[..., Any]
) -> None:
    job, other = rows.training(), rows.training()
    begin(database)
    received: dict[int, list[int]] = {}
    ready = threading.Barrier(11)

    def listen(number: int) -> None:
        # Half of them follow a job that says nothing.
        with listening(client, job if number % 2 else other) as events:
            first = next(events)
            ready.wait()
            received[number] = [first["id"], *(each["id"] for each in events)]

    threads = [threading.Thread(target=listen, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    ready.wait()
    asked: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def _note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT events"):
            asked.append(str(parameters))

    log(database, job, "one", "two")
    until(lambda: len(asked) > 2, "the next polls")
    event.remove(database.engine, "before_cursor_execute", _note)
    assert all(job in parameters and other in parameters for parameters in asked)
    end(database, job)
    client.post(f"/api/v1/jobs/{other}/cancel")
    for thread in threads:
        thread.join()
    for number, ids in received.items():
        assert ids == [each.id for each in rows.events(job if number % 2 else other)]


def listen_in(database: Database, act: Callable[[Broadcaster], Any], **options: Any) -> Any:
    return asyncio.run(act(Broadcaster(database, **options)))


@sqlite_only
def test_a_silent_line_is_kept_alive_by_comments(
    database: Database, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = rows.training()
    after = rows.events(job)[-1].id
    monkeypatch.setattr(stream, "KEEP_ALIVE_SECONDS", 0.01)

    async def act(broadcaster: Broadcaster) -> list[str]:
        lines = broadcaster.follow(job, after)
        return [await anext(lines) for _ in range(3)]

    assert listen_in(database, act) == ["retry: 2000\n\n", ": nothing new\n\n", ": nothing new\n\n"]


@sqlite_only
def test_a_slow_listener_misses_nothing(
    database: Database, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = rows.training()
    begin(database)
    log(database, job, *map(str, range(50)))
    end(database, job)
    monkeypatch.setattr(stream, "BATCH", 7)
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.001)

    async def act(broadcaster: Broadcaster) -> str:
        text = ""
        async for part in broadcaster.follow(job, 0):
            text += part
            await asyncio.sleep(0.01)
        return text

    ids = [int(line[4:]) for line in listen_in(database, act).splitlines() if line.startswith("id: ")]
    assert ids == [each.id for each in rows.events(job)]


@sqlite_only
def test_no_more_listen_than_may_and_a_place_is_free_again(database: Database, rows: Any) -> None:
    job = rows.training()

    async def act(broadcaster: Broadcaster) -> None:
        broadcaster.admit()
        first = broadcaster.follow(job, 0)
        await anext(first)
        with pytest.raises(stream.Unavailable) as refused:
            broadcaster.admit()
        assert (refused.value.code, refused.value.headers["Retry-After"]) == ("too_many_streams", "10")
        assert [part async for part in broadcaster.follow(job, 0)] == []
        await first.aclose()  # type: ignore[attr-defined]
        broadcaster.admit()

    listen_in(database, act, limit=1)


@sqlite_only
def test_a_database_that_is_away_for_a_while_breaks_no_line(
    database: Database, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = rows.training()
    monkeypatch.setattr(stream, "RETRY_SECONDS", 0.01)
    broken = 3

    @event.listens_for(database.engine, "before_cursor_execute")
    def _break(*_arguments: object) -> None:
        nonlocal broken
        if broken > 0:
            broken -= 1
            raise stream.SQLAlchemyError("away")

    async def act(broadcaster: Broadcaster) -> str:
        lines = broadcaster.follow(job, 0)
        await anext(lines)
        return await anext(lines)

    assert '"state":"queued"' in listen_in(database, act)
    assert broken == 0
