import math
from typing import Any

import httpx
import pytest

from app.database import Database
from app.jobs.claiming import claim
from app.jobs.curves import thinned
from app.jobs.recording import Reported, record
from app.tables import MetricPoint

# Where no query differs between the databases.
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def running(rows: Any, database: Database) -> str:
    """A job in its first attempt, which has reported some things."""
    job = rows.training()
    with database.write() as session:
        claim(session, "training", "w")
    reports = [Reported("phase", {"phase": "training"})]
    reports += [
        Reported("log", {"level": level, "message": f"it {level}s"})
        for level in ("debug", "info", "warning", "error")
    ]
    for epoch in range(1, 6):
        metrics = {"loss": 1 / epoch, "val_loss": math.nan if epoch == 3 else 2 / epoch}
        data = {
            "epoch": epoch,
            "epochs": 5,
            "step": epoch * 10,
            "metrics": metrics,
            "seconds": 1.0,
            "eta": 0.5,
        }
        reports.append(Reported("epoch", data))
    with database.write() as session:
        assert record(session, job, 1, reports)
    return job


def test_events_come_in_order_and_go_on_after_the_last_one_seen(client: httpx.Client, running: str) -> None:
    path = f"/api/v1/jobs/{running}/events"
    whole = client.get(path).json()
    types = ["state", "state", "phase", "phase", "log", "log", "log", "log", *["epoch"] * 5]
    assert [event["type"] for event in whole["items"]] == types
    found, after = [], 0
    while len(found) < len(types):
        part = client.get(path, params={"after": after, "limit": 5}).json()
        found += part["items"]
        after = part["last_id"]
    assert found == whole["items"]
    assert client.get(path, params={"after": after}).json() == {"items": [], "last_id": after}
    assert set(found[0]) == {"id", "at", "type", "data"}
    assert found[0]["at"].endswith("Z")


def test_the_log_is_narrowed_by_level(client: httpx.Client, running: str) -> None:
    path = f"/api/v1/jobs/{running}/logs"
    assert [line["level"] for line in client.get(path).json()["items"]] == [
        "debug",
        "info",
        "warning",
        "error",
    ]
    severe = client.get(path, params={"level": "warning"}).json()
    assert [line["message"] for line in severe["items"]] == ["it warnings", "it errors"]
    later = client.get(path, params={"after": severe["items"][0]["id"]}).json()
    assert [line["level"] for line in later["items"]] == ["error"]
    assert client.get(path, params={"level": "loud"}).status_code == 422


def test_curves_have_a_point_for_each_epoch(client: httpx.Client, running: str) -> None:
    series = client.get(f"/api/v1/jobs/{running}/metrics").json()["series"]
    assert [curve["key"] for curve in series] == ["loss", "val_loss"]
    points = series[1]["points"]
    assert [(point["epoch"], point["step"]) for point in points] == [(e, 10 * e) for e in range(1, 6)]
    assert points[0] == {"epoch": 1, "step": 10, "value": 2.0, "flag": None}
    assert points[2] == {"epoch": 3, "step": 30, "value": None, "flag": "nan"}


@sqlite_only
def test_curves_are_chosen_and_thinned_out_on_request(client: httpx.Client, running: str) -> None:
    path = f"/api/v1/jobs/{running}/metrics"
    series = client.get(path, params={"keys": "loss", "max_points": 3}).json()["series"]
    assert [(curve["key"], [p["epoch"] for p in curve["points"]]) for curve in series] == [
        ("loss", [1, 3, 5])
    ]
    assert len(client.get(path, params={"keys": ["loss", "val_loss", "x"]}).json()["series"]) == 2
    for query in ("max_points=1", "max_points=x", "keys=" + "x" * 101):
        assert client.get(f"{path}?{query}").status_code == 422, query


@pytest.mark.parametrize(
    ("count", "most"), [(1000, 2), (1000, 7), (1000, 999), (3, 3), (2, 3), (0, 2), (1, 2)]
)
def test_thinned_curves_keep_their_ends(count: int, most: int) -> None:
    points = [MetricPoint(step=step) for step in range(count)]
    kept = thinned(points, most)
    assert len(kept) == min(count, most)
    assert [point.step for point in kept] == sorted({point.step for point in kept})
    assert count == 0 or (kept[0], kept[-1]) == (points[0], points[-1] if len(kept) > 1 else points[0])


@sqlite_only
def test_progress_and_phases_are_told(client: httpx.Client, running: str) -> None:
    job = client.get(f"/api/v1/jobs/{running}").json()
    assert (job["state"], job["phase"], job["attempt"]) == ("running", "training", 1)
    assert [phase["phase"] for phase in job["phases"]] == ["starting", "training"]
    assert job["progress"] == {"epoch": 5, "epochs": 5, "step": 50, "eta": 0.5}
    assert job["best"] == {"epoch": 5, "loss": 0.2, "val_loss": 0.4}
    assert job["queue_position"] is None
    assert job["links"]["cancel"] == f"/api/v1/jobs/{running}/cancel"


@sqlite_only
def test_queries_that_mean_nothing_are_refused(client: httpx.Client, running: str) -> None:
    for query in ("after=-1", "after=x", "after=9223372036854775808", "limit=0", "limit=1001"):
        assert client.get(f"/api/v1/jobs/{running}/events?{query}").status_code == 422, query
    assert client.get(f"/api/v1/jobs/{running}/events?after=9223372036854775807").json()["items"] == []


@sqlite_only
def test_before_it_has_published_a_job_has_no_files(client: httpx.Client, running: str) -> None:
    assert client.get(f"/api/v1/jobs/{running}/artifacts").json() == {"items": []}
    assert client.get(f"/api/v1/jobs/{running}/artifacts/report.json").status_code == 404
