import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from app.database import Database
from app.settings import Settings
from app.tables import Job


@pytest.fixture
def any_service(database: Database, serve: Callable[..., Any]) -> Iterator[Any]:
    """The web process, once on each kind of database."""
    with closing(serve(database)) as service:
        yield service


def measured(service: Any) -> dict[str, float]:
    """Return the metrics that Prometheus would read, by name and labels."""
    answer = httpx.get(f"{service.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {
        " ".join(
            [sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))]
        ): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_service_becomes_ready(any_service: Any, until: Callable[..., Any]) -> None:
    assert httpx.get(f"{any_service.url}/healthz").json() == {"status": "ok"}
    until(lambda: httpx.get(f"{any_service.url}/readyz").json() == {"status": "ready"})


def test_a_database_that_is_not_migrated_yet_is_not_ready(any_service: Any) -> None:
    with any_service.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    answer = httpx.get(f"{any_service.url}/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_migrated")


def test_a_process_stays_ready_while_the_next_version_is_rolled_out(
    any_service: Any, until: Callable[..., Any]
) -> None:
    until(lambda: httpx.get(f"{any_service.url}/readyz").is_success)
    with any_service.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert httpx.get(f"{any_service.url}/readyz").json() == {"status": "ready"}


def test_a_database_without_tables_is_not_ready_but_alive(
    settings: Settings, serve: Callable[..., Any]
) -> None:
    settings.data_dir.mkdir()
    with closing(Database(settings.resolved_database_url)) as database, closing(serve(database)) as service:
        answer = httpx.get(f"{service.url}/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert httpx.get(f"{service.url}/healthz").status_code == 200
        assert httpx.get(f"{service.url}/metrics").status_code == 200
        # Keys cannot be checked, which is no reason to let anybody in.
        with service.client(key="kf_" + "x" * 10) as client:
            assert client.get("/api/v1/jobs").status_code == 401


def test_a_database_that_is_gone_is_not_ready_but_alive(serve: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with closing(Database(f"postgresql://nobody@127.0.0.1:{port}/x")) as database:
        service = serve(database)
        answer = httpx.get(f"{service.url}/readyz", timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert answer.headers["retry-after"] == "2"
        assert str(port) not in answer.text
        assert httpx.get(f"{service.url}/healthz").status_code == 200


def test_requests_are_measured_by_route_not_by_path(service: Any, until: Callable[..., Any]) -> None:
    with service.client("admin") as client:
        for job in ("job_1", "job_2", "job_3"):
            client.get(f"/api/v1/jobs/{job}")
        client.get("/api/v1/nowhere")
        client.get("/api/v1/keys", headers={"Authorization": "none"})
    route = "route=/api/v1/jobs/{job_id}"
    counted = f"keraforge_http_requests_total method=GET {route} status=404"
    until(lambda: measured(service).get(counted) == 3.0)
    values = measured(service)
    assert values[f"keraforge_http_request_seconds_count method=GET {route}"] == 3.0
    assert values["keraforge_http_requests_total method=GET route=none status=404"] == 1.0
    assert values["keraforge_http_requests_total method=GET route=none status=401"] == 1.0
    assert not [name for name in values if "job_1" in name]


def test_jobs_are_counted_by_state(any_service: Any, rows: Any) -> None:
    rows.training()
    for _ in range(2):
        job_id = rows.training()
        with rows.database.write() as session:
            session.get_one(Job, job_id).state = "running"
    values = measured(any_service)
    assert values["keraforge_jobs state=queued"] == 1
    assert values["keraforge_jobs state=running"] == 2
    assert values["keraforge_jobs state=failed"] == 0


def test_the_process_is_measured(service: Any) -> None:
    values = measured(service)
    assert values["process_resident_memory_bytes"] > 1024**2
    assert values["process_open_fds"] > 0


def test_the_metrics_name_nobodys_things(service: Any) -> None:
    with service.client("admin") as client:
        client.post("/api/v1/datasets", json={"name": "very-private", "kind": "images"})
        client.get("/api/v1/datasets/very-private")
        client.get("/very-private")
    assert "very-private" not in httpx.get(f"{service.url}/metrics").text


def test_the_metrics_can_be_closed(serve: Callable[..., Any], sqlite_url: str) -> None:
    with (
        closing(Database(sqlite_url)) as database,
        closing(serve(database, public_metrics=False)) as service,
        service.client("predict") as client,
    ):
        paths = client.get("/openapi.json").json()["paths"]
        for address in ("/metrics", "/monitoring/prometheus/metrics"):
            assert httpx.get(f"{service.url}{address}").status_code == 401
            assert client.get(address).status_code == 200
            assert "security" in paths[address]["get"]
        assert httpx.get(f"{service.url}/healthz").status_code == 200
