import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

import keraforge
from keraforge.client.following import FRUITLESS_LIMIT, Following

PATH = "/jobs/job_1/events"


class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream that breaks after some bytes."""

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()

    def __iter__(self) -> Iterator[bytes]:
        yield self._bytes
        raise httpx.ReadError("reset by peer")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def message(number: int, kind: str = "epoch", **data: Any) -> str:
    event = {"id": number, "at": "2026-01-01T00:00:00Z", "type": kind, "data": data}
    return f"id: {number}\ndata: {json.dumps(event)}\n\n"


def stream(text: str, *, breaks: bool = False) -> httpx.Response:
    headers = {"Content-Type": "text/event-stream"}
    if breaks:
        return httpx.Response(200, headers=headers, stream=Broken(text))
    return httpx.Response(200, headers=headers, content=text)


def hurried() -> Following[keraforge.Event]:
    """Following that does not pause between connections."""
    return Following(PATH, keraforge.Event.parse, lambda event: event.ends_job, longest_pause=0.0)


END = message(9, "state", state="succeeded")


def test_events_come_in_order_until_the_job_is_over(call: Any, service: Any) -> None:
    text = (
        "retry: 2000\n\n" + message(1, epoch=1) + ": nothing new\n\n" + message(2, "state", state="running")
    )
    # What comes after the end of the job is not read.
    service.on("GET", PATH, stream(text + END + message(10)))
    events = call(lambda client: client.jobs.watch("job_1"))
    assert [(event.id, event.type) for event in events] == [(1, "epoch"), (2, "state"), (9, "state")]
    assert events[0].data == {"epoch": 1}
    assert len(service.requests) == 1
    assert service.requests[0].headers["Accept"] == "text/event-stream"
    assert "Last-Event-ID" not in service.requests[0].headers


def test_a_failure_that_was_retried_is_not_the_end(call: Any, service: Any) -> None:
    service.on("GET", PATH, stream(message(1, "state", state="failed", retried=True) + message(2) + END))
    events = call(lambda client: client.jobs.watch("job_1"))
    assert [event.id for event in events] == [1, 2, 9]


@pytest.mark.parametrize("breaks", [True, False])
def test_a_line_that_ends_early_is_taken_up_where_it_ended(call: Any, service: Any, breaks: bool) -> None:
    # The second message broke off before its blank line: it has not been seen, so it must come again.
    half = message(2)[:-1]
    service.on("GET", PATH, stream(message(1) + half, breaks=breaks), stream(message(2) + END))
    events = call(lambda client: client.jobs.watch("job_1"))
    assert [event.id for event in events] == [1, 2, 9]
    assert [request.headers.get("Last-Event-ID") for request in service.requests] == [None, "1"]


def test_watching_can_begin_after_an_event(call: Any, service: Any) -> None:
    service.on("GET", PATH, stream(END))
    call(lambda client: client.jobs.watch("job_1", after=7))
    assert service.requests[0].headers["Last-Event-ID"] == "7"


def test_a_stream_that_has_nothing_left_is_over(call: Any, service: Any) -> None:
    service.on("GET", PATH, status=204)
    assert call(lambda client: client.jobs.watch("job_1", after=9)) == []


def test_a_problem_is_raised_and_not_followed(call: Any, service: Any) -> None:
    service.on("GET", PATH, {"detail": "There is no such job.", "code": "not_found"}, status=404)
    with pytest.raises(keraforge.NotFound, match="no such job"):
        call(lambda client: client.jobs.watch("job_1"))
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.ConnectError("Connection refused"), "Connection refused"),
        (lambda: stream(""), "without an event"),
    ],
)
def test_a_service_that_is_gone_is_given_up_on(call: Any, service: Any, answer: Any, error: str) -> None:
    service.on("GET", PATH, answer)
    with pytest.raises(keraforge.NotRunning, match=error):
        call(lambda client: client.follow(hurried()))
    assert len(service.requests) == FRUITLESS_LIMIT


def test_a_service_without_room_is_asked_again(call: Any, service: Any) -> None:
    full = httpx.Response(503, json={"detail": "200 event streams are open.", "code": "too_many_streams"})
    service.on("GET", PATH, full, stream(END))
    assert [event.id for event in call(lambda client: client.follow(hurried()))] == [9]


def test_a_service_without_room_for_long_says_so_itself(call: Any, service: Any) -> None:
    service.on("GET", PATH, {"detail": "200 event streams are open."}, status=503)
    with pytest.raises(keraforge.ServiceTrouble, match="200 event streams"):
        call(lambda client: client.follow(hurried()))
    assert len(service.requests) == FRUITLESS_LIMIT


def test_a_quiet_line_counts_as_alive(call: Any, service: Any) -> None:
    quiet = [stream(": nothing new\n\n", breaks=True) for _ in range(FRUITLESS_LIMIT + 1)]
    service.on("GET", PATH, *quiet, stream(END))
    assert [event.id for event in call(lambda client: client.follow(hurried()))] == [9]
