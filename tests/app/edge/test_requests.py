import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.edge.requests import LONGEST_LOGGED_PATH, SECURITY_HEADERS, Requests
from app.logging import configure_logging
from app.metrics import Metrics
from app.settings import Settings


@pytest.fixture
def logged(
    capfd: pytest.CaptureFixture[str], until: Callable[..., Any]
) -> Iterator[Callable[[int], list[dict[str, Any]]]]:
    """Our lines of the log, once it tells of so many requests: they are written after the answers."""
    configure_logging(Settings(_env_file=None, log_format="json", log_level="DEBUG"))
    lines: list[dict[str, Any]] = []

    def tells_of(requests: int) -> bool:
        found = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        lines.extend(line for line in found if line["logger"].startswith(("app.", "uvicorn.")))
        return sum(line["event"] == "request" for line in lines) >= requests

    def wait(requests: int) -> list[dict[str, Any]]:
        until(lambda: tells_of(requests), "the log")
        return lines

    yield wait
    configure_logging(Settings(_env_file=None))


def requests_counted(metrics: Metrics, **labels: str) -> float:
    families = text_string_to_metric_families(metrics.exposition().decode())
    samples = [sample for family in families for sample in family.samples]
    return sum(
        sample.value
        for sample in samples
        if sample.name == "keraforge_http_requests_total" and labels.items() <= sample.labels.items()
    )


def test_every_answer_carries_the_security_headers(client: httpx.Client) -> None:
    for path in ("/query", "/nowhere", "/raise/bug", "/raise/conflict"):
        headers = client.get(path).headers
        assert {name: headers.get(name.decode()) for name in SECURITY_HEADERS} == {
            name: value.decode() for name, value in SECURITY_HEADERS.items()
        }


def test_a_request_id_is_echoed_if_it_is_harmless(client: httpx.Client) -> None:
    sent = "abc-DEF_12345678"
    assert client.get("/query", headers={"X-Request-Id": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["short", "x" * 65, "with space inside", "<script>alert", "12345678\t9", ""])
def test_any_other_request_id_is_replaced(client: httpx.Client, sent: str) -> None:
    answer = client.get("/query", headers={"X-Request-Id": sent})
    assert re.fullmatch("[0-9a-f]{24}", answer.headers["x-request-id"])


def test_two_requests_have_two_ids(client: httpx.Client) -> None:
    ids = {client.get("/query").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


def test_a_request_is_logged_with_its_id(client: httpx.Client, logged: Callable[[int], Any]) -> None:
    client.get("/query?secret=1", headers={"X-Request-Id": "the-request"})
    (line,) = logged(1)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/query", 200)
    assert line["request_id"] == "the-request"
    assert line["milliseconds"] > 0
    assert "secret" not in json.dumps(line)


@pytest.mark.parametrize("target", ["/x%1b%5d0;title%07", "/x%0Aforged%20line", "/" + "x" * 3000])
def test_a_logged_path_is_short_and_cannot_drive_a_terminal(
    client: httpx.Client, logged: Callable[[int], Any], target: str
) -> None:
    client.get(target)
    (line,) = logged(1)
    assert line["path"].isprintable()
    assert len(line["path"]) <= LONGEST_LOGGED_PATH


def test_a_bug_is_logged_once_with_its_traceback(client: httpx.Client, logged: Callable[[int], Any]) -> None:
    client.get("/raise/key", headers={"X-Request-Id": "the-request"})
    (line,) = [line for line in logged(1) if line["level"] == "error"]
    assert line["request_id"] == "the-request"
    assert "KeyError" in line["exception"]


def test_a_refusal_is_no_error_in_the_log(client: httpx.Client, logged: Callable[[int], Any]) -> None:
    client.get("/raise/conflict")
    assert [line["level"] for line in logged(1)] == ["info"]


def test_requests_are_counted_by_method_and_status(
    client: httpx.Client, metrics: Metrics, until: Callable[..., Any]
) -> None:
    before = requests_counted(metrics, method="GET", status="409")
    client.get("/raise/conflict")
    until(lambda: requests_counted(metrics, method="GET", status="409") == before + 1)


def test_half_an_answer_is_not_taken_for_a_whole_one(client: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/half")
    assert client.get("/query").status_code == 200


def test_head_is_answered_as_get_without_a_body(client: httpx.Client) -> None:
    get, head = client.get("/query"), client.head("/query")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert client.head("/nowhere").status_code == 404


def test_the_head_of_an_endless_stream_ends(client: httpx.Client, logged: Callable[[int], Any]) -> None:
    answer = client.head("/endless")
    assert (answer.status_code, answer.headers["x-kept"], answer.content) == (200, "yes", b"")
    assert client.get("/query").status_code == 200
    assert {line["level"] for line in logged(2)} == {"info"}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/x%00y", "invalid_encoding"),
        ("/query?limit=%00", "invalid_encoding"),
        ("/" + "x" * 4000, "uri_too_long"),
    ],
)
def test_targets_that_nothing_should_look_at_are_refused(
    client: httpx.Client, target: str, code: str
) -> None:
    answer = client.get(target)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reason", "events"),
    [
        ("unable to perform operation on <TCPTransport closed=True>; the handler is closed", ["request"]),
        ("another reason", ["request failed", "request"]),
    ],
)
async def test_a_client_that_leaves_before_its_answer_is_no_fault(
    capfd: pytest.CaptureFixture[str], registry: Any, reason: str, events: list[str]
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        raise RuntimeError(reason)

    configure_logging(Settings(_env_file=None, log_format="json"))
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "state": {}}
    with suppress(RuntimeError):
        await Requests(app, Metrics(registry.database))(scope, send, send)
    lines = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    configure_logging(Settings(_env_file=None))
    assert lines == events
