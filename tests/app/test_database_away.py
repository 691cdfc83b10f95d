"""PostgreSQL is stopped at once, under load: 503 until it is back, and nothing that was accepted is lost."""

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from dense import SHAPE
from postgres import Postgres
from sqlalchemy import select

from app.database import Database
from app.identifiers import new_id
from app.keys.scopes import SCOPES
from app.migrating import migrate
from app.tables import Dataset, DatasetVersion, Job

# Longer than any answer may take while the database is away: connecting is given up after three seconds.
BOUND_SECONDS = 20.0
STOPS = 3
NAMES = {"name": "digits", "number": "1", "alias": "champion", "path": "card.md", "job_id": "job_1"}
BODIES: dict[str, Any] = {
    "POST /api/v1/datasets": {"name": "flowers", "kind": "table"},
    "POST /api/v1/jobs": {"model": "digits", "dataset": "digits", "network": {"preset": "cnn-small"}},
    "PUT /api/v1/models/{name}/aliases/{alias}": {"version": 1},
    "POST /api/v1/keys": {"name": "camera", "scopes": ["predict"]},
    "PATCH /api/v1/jobs/{job_id}": {"priority": 1},
    "POST /api/v1/models/{name}/versions/{number}/evaluations": {"dataset": "digits"},
}
ROW = [[[0.0] for _ in range(SHAPE[1])] for _ in range(SHAPE[0])]
TENSOR = {"name": "image", "datatype": "FP32", "shape": [1, *SHAPE], "data": ROW}
# What is asked most, and of versions in memory: it needs no database.
PREDICTIONS = {
    "/api/v1/models/digits/predict": {"instances": [ROW]},
    "/v1/models/digits:predict": {"instances": [ROW]},
    "/v2/models/digits/infer": {"inputs": [TENSOR]},
}
WITHOUT_DATABASE = (
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/api/v1/families",
    "/v2",
    "/v2/health/live",
    "/v2/models/digits/ready",
    "/v1/models/digits",
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server that may be stopped."""
    with closing(Postgres()) as server:
        server.start()
        yield server


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    name = new_id("test")
    postgres.run(f"CREATE DATABASE {name}")
    migrate(f"{postgres.url}/{name}")
    with closing(Database(f"{postgres.url}/{name}")) as database:
        yield database


@pytest.fixture
def service(serve: Callable[..., Any], database: Database) -> Iterator[Any]:
    with closing(serve(database)) as service:
        yield service


@pytest.fixture
def client(service: Any) -> Iterator[httpx.Client]:
    with service.client("admin") as client:
        client.timeout = httpx.Timeout(BOUND_SECONDS)
        yield client


def address_of(path: str) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda found: NAMES.get(found[1], "digits"), path)


def status_of(client: httpx.Client, route: str) -> int:
    """Ask for a route; return the status, which is no fault of ours, and tells when to try again."""
    method, path = route.split()
    answer = client.request(method, address_of(path), json=BODIES.get(route))
    assert answer.status_code < 500 or answer.status_code == 503, (route, answer.text)
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0, route
        assert "127.0.0.1" not in answer.text
    return answer.status_code


def test_every_address_answers_503_or_without_the_database(
    postgres: Postgres,
    client: httpx.Client,
    any_registry: Any,
    until: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    any_registry.publish()
    for path, body in PREDICTIONS.items():
        until(lambda path=path, body=body: client.post(path, json=body).is_success, path)
    until(lambda: client.get("/readyz").is_success, "the registry")
    postgres.stop()
    try:
        for path in WITHOUT_DATABASE:
            assert client.get(path).status_code == 200, path
        for path, body in PREDICTIONS.items():
            answer = client.post(path, json=body)
            assert answer.status_code == 200, answer.text
        statuses = {route: status_of(client, route) for route in SCOPES}
    finally:
        postgres.start()
    refused = {route for route, status in statuses.items() if status == 503}
    assert BODIES.keys() | {"GET /api/v1/jobs", "GET /api/v1/keys", "GET /readyz"} <= refused
    assert {status for route, status in statuses.items() if route.startswith("DELETE")} == {503}
    # One line of the log for each, instead of a hundred.
    said = [str(record.msg) for record in caplog.records]
    assert any("database_unavailable" in line for line in said)
    assert not any("exc_info" in line for line in said)
    until(lambda: client.get("/api/v1/jobs").status_code == 200, "the database")


def test_what_was_accepted_under_load_is_there_once(
    postgres: Postgres, service: Any, database: Database, rows: Any, until: Callable[..., Any]
) -> None:
    version = rows.get(DatasetVersion, rows.version())
    name = rows.get(Dataset, version.dataset_id).name
    body = {"model": "digits", "dataset": f"{name}@1", "network": {"preset": "cnn-small"}}
    accepted: dict[str, str] = {}
    statuses: set[int] = set()
    enough = threading.Event()
    key = service.key("admin")

    def submit(number: int) -> None:
        with service.client(key=key) as client:
            client.timeout = httpx.Timeout(BOUND_SECONDS)
            for count in itertools.takewhile(lambda _: not enough.is_set(), itertools.count()):
                once = f"load-{number}-{count}"
                while once not in accepted:
                    answer = client.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": once})
                    statuses.add(answer.status_code)
                    if answer.is_success:
                        accepted[once] = answer.json()["id"]

    clients = [threading.Thread(target=submit, args=(number,)) for number in range(4)]
    for thread in clients:
        thread.start()
    for _ in range(STOPS):
        more = len(accepted) + 10
        until(lambda more=more: len(accepted) >= more, "more jobs")
        postgres.stop()
        statuses.discard(503)
        until(lambda: 503 in statuses, "an answer without the database")
        postgres.start()
    enough.set()
    for thread in clients:
        thread.join(120)
        assert not thread.is_alive()
    assert statuses == {202, 503}
    with database.read() as session:
        jobs = set(session.scalars(select(Job.id)))
    assert len(set(accepted.values())) == len(accepted)
    assert set(accepted.values()) == jobs
