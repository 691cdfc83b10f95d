import inspect
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

import keraforge
from keraforge.client.requests import RETRY_PAUSES, Broken, Pause, Request, exchange

VERSION = {"dataset": "digits", "number": 1, "state": "ready", "unheard_of": 1}
JOB = {"id": "job_1", "kind": "training", "state": "queued"}
BROKEN = httpx.ReadError("reset by peer")


def test_the_key_is_sent_and_the_answer_is_read(call: Any, service: Any) -> None:
    service.on("GET", "/datasets/digits", {"name": "digits", "kind": "images", "latest": VERSION})
    dataset = call(lambda client: client.datasets.get("digits"))
    assert (dataset.name, dataset.latest.name, dataset.latest.state) == ("digits", "digits@1", "ready")
    assert dataset.latest.raw["unheard_of"] == 1
    assert service.requests[0].headers["Authorization"] == "Bearer kf_test"
    assert str(service.requests[0].url) == "http://service.test/api/v1/datasets/digits"


def test_names_are_quoted_so_that_they_stay_one_part_of_the_path(call: Any, service: Any) -> None:
    with pytest.raises(keraforge.NotFound):
        call(lambda client: client.datasets.get("../keys"))
    assert service.requests[0].url.raw_path == b"/api/v1/datasets/..%2Fkeys"


def test_a_problem_becomes_an_error_with_all_it_says(call: Any, service: Any) -> None:
    problem = {
        "title": "Not valid",
        "status": 422,
        "detail": "1 field is not valid.",
        "code": "validation_failed",
        "request_id": "r1",
        "errors": [{"pointer": "/network/dropout", "code": "too_large", "message": "must be below 1"}],
    }
    service.on("POST", "/jobs", problem, status=422)
    with pytest.raises(keraforge.Invalid) as caught:
        call(lambda client: client.train(model="m", dataset="d", network={"dropout": 2}))
    error = caught.value
    assert (error.status, error.code, error.detail, error.request_id) == (
        422,
        "validation_failed",
        "1 field is not valid.",
        "r1",
    )
    assert [(e.pointer, e.code, e.message) for e in error.errors] == [
        ("/network/dropout", "too_large", "must be below 1")
    ]
    assert str(error) == "1 field is not valid.\n  /network/dropout: must be below 1"
    assert isinstance(error, keraforge.KeraforgeError)


def test_an_error_says_nothing_twice() -> None:
    errors = [keraforge.errors.FieldError(f"/{name}", "missing", f"{name} is missing") for name in "ab"]
    assert str(keraforge.Invalid("/a: a is missing (1 more)", errors=errors)) == (
        "/a: a is missing (1 more)\n  /b: b is missing"
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, keraforge.BadRequest),
        (401, keraforge.Unauthorized),
        (403, keraforge.Forbidden),
        (404, keraforge.NotFound),
        (409, keraforge.Conflict),
        (413, keraforge.TooLarge),
        (415, keraforge.Unsupported),
        (418, keraforge.Refused),
        (422, keraforge.Invalid),
        (429, keraforge.TooMany),
        (500, keraforge.ServiceTrouble),
        (503, keraforge.ServiceTrouble),
    ],
)
def test_each_status_has_its_error_even_without_a_problem(
    call: Any, service: Any, status: int, kind: type[keraforge.Refused]
) -> None:
    service.on("GET", "/jobs/job_1", httpx.Response(status, text="<html>"))
    with pytest.raises(keraforge.Refused, match=f"status {status}") as caught:
        call(lambda client: client.jobs.get("job_1"))
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("Connection refused"), httpx.ReadTimeout("timed out")], ids=repr
)
def test_a_service_that_does_not_answer_is_named_at_once(
    call: Any, service: Any, error: httpx.TransportError
) -> None:
    service.on("GET", "/jobs/job_1", error)
    with pytest.raises(keraforge.NotRunning, match=rf"at http://service.test: {error}.*keraforge up"):
        call(lambda client: client.jobs.get("job_1"))
    assert len(service.requests) == 1


def test_a_broken_line_is_mended_by_asking_again(call: Any, service: Any) -> None:
    service.on("GET", "/jobs/job_1", BROKEN, JOB)
    assert call(lambda client: client.jobs.get("job_1")).id == "job_1"


def test_a_submission_over_a_broken_line_carries_the_same_key_again(call: Any, service: Any) -> None:
    service.on("POST", "/jobs", BROKEN, JOB, status=202)
    call(lambda client: client.train(model="m", dataset="d", network={"preset": "cnn-small"}))
    keys = [request.headers["Idempotency-Key"] for request in service.requests]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert service.sent() == {"model": "m", "dataset": "d", "network": {"preset": "cnn-small"}}


def test_two_submissions_are_two_jobs_unless_they_carry_the_same_key(call: Any, service: Any) -> None:
    service.on("POST", "/jobs", JOB, status=202)
    for key in (None, None, "mine"):
        call(lambda client: client.train(model="m", dataset="d", network={}, idempotency_key=key))  # noqa: B023
    keys = [request.headers["Idempotency-Key"] for request in service.requests]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


def test_what_must_not_happen_twice_is_not_asked_twice(call: Any, service: Any) -> None:
    service.on("POST", "/jobs/job_1/cancel", BROKEN)
    with pytest.raises(keraforge.NotRunning, match="reset by peer"):
        call(lambda client: client.jobs.cancel("job_1"))
    assert len(service.requests) == 1


def test_a_clone_over_a_broken_line_carries_the_same_key_again(call: Any, service: Any) -> None:
    service.on("POST", "/jobs/job_1/clone", BROKEN, JOB, status=202)
    call(lambda client: client.jobs.clone("job_1", {"training": {"epochs": 2}}))
    assert len({request.headers["Idempotency-Key"] for request in service.requests}) == 1
    assert (len(service.requests), service.sent()) == (2, {"training": {"epochs": 2}})


def test_only_what_is_named_of_a_job_is_changed(call: Any, service: Any) -> None:
    service.on("PATCH", "/jobs/job_1", JOB)
    call(lambda client: client.jobs.update("job_1", tags={}, notes="mine"))
    assert service.sent() == {"tags": {}, "notes": "mine"}


def test_workers_are_listed_in_one_piece(call: Any, service: Any) -> None:
    service.on("GET", "/workers", {"items": [{"id": "worker_1", "state": "lost"}], "next_cursor": None})
    assert [(each.id, each.state) for each in call(lambda client: client.workers.list())] == [
        ("worker_1", "lost")
    ]
    assert service.requests[0].url.query == b""


def test_asking_again_ends_after_a_few_times() -> None:
    steps = exchange(Request("GET", "/jobs"))
    broken = Broken(keraforge.NotRunning("gone"), final=False)
    taken = [next(steps)]
    with suppress(keraforge.NotRunning):
        while True:
            taken.append(steps.send(broken if isinstance(taken[-1], Request) else None))
    assert [step.seconds for step in taken if isinstance(step, Pause)] == list(RETRY_PAUSES)
    assert len([step for step in taken if isinstance(step, Request)]) == len(RETRY_PAUSES) + 1


def test_a_list_follows_its_cursors(call: Any, service: Any) -> None:
    pages = [
        {"items": [{"name": "a", "kind": "images"}], "next_cursor": "c1"},
        {"items": [{"name": "b", "kind": "images"}], "next_cursor": None},
    ]
    service.on("GET", "/datasets", *pages)
    assert [dataset.name for dataset in call(lambda client: client.datasets.list(limit=None))] == ["a", "b"]
    assert "cursor" not in service.requests[0].url.params
    assert service.requests[1].url.params["cursor"] == "c1"


def test_a_list_takes_no_more_than_was_asked_for(call: Any, service: Any) -> None:
    page = {"items": [{"name": "a", "kind": "images"}] * 2, "next_cursor": "c1"}
    service.on("GET", "/datasets", page)
    assert len(call(lambda client: client.datasets.list(limit=2))) == 2
    assert [request.url.params["limit"] for request in service.requests] == ["2"]


def test_an_upload_is_streamed_with_its_length_and_progress(call: Any, service: Any, tmp_path: Path) -> None:
    file = tmp_path / "letters.npz"
    file.write_bytes(bytes(range(256)) * 2000)
    service.on("GET", "/datasets/letters", {"name": "letters", "kind": "images"})
    service.on("POST", "/datasets/letters/versions", VERSION, status=202)
    sent: list[int] = []
    options = {"test_fraction": 0.1}
    call(lambda client: client.datasets.upload("letters", file, options=options, on_sent=sent.append))
    request = service.requests[-1]
    assert request.content == file.read_bytes()
    assert request.headers["Content-Length"] == str(file.stat().st_size)
    assert "Transfer-Encoding" not in request.headers
    assert dict(request.url.params) == {"test_fraction": "0.1", "filename": "letters.npz"}
    assert sum(sent) == file.stat().st_size
    assert len(sent) > 1


def test_an_upload_to_an_unknown_name_creates_the_dataset_first(
    call: Any, service: Any, tmp_path: Path
) -> None:
    file = tmp_path / "x.npz"
    file.write_bytes(b"PK")
    service.on("POST", "/datasets", {"name": "new", "kind": "images"}, status=201)
    service.on("POST", "/datasets/new/versions", VERSION, status=202)
    call(lambda client: client.datasets.upload("new", file))
    assert [request.method for request in service.requests] == ["GET", "POST", "POST"]
    assert json.loads(service.requests[1].content) == {"name": "new", "kind": "images"}


def test_waiting_ends_when_the_version_is_ready(call: Any, service: Any) -> None:
    service.on("GET", "/datasets/digits", {"name": "digits", "kind": "images", "latest": VERSION})
    service.on("GET", "/datasets/digits/versions/1", {**VERSION, "state": "reading"}, VERSION)
    assert call(lambda client: client.datasets.wait("digits")).state == "ready"


def test_waiting_for_an_invalid_version_says_why(call: Any, service: Any) -> None:
    bad = {**VERSION, "state": "invalid", "error": {"message": "Row 3 has no label."}}
    service.on("GET", "/datasets/digits/versions/1", bad)
    with pytest.raises(keraforge.ReadingFailed, match=r"digits@1 cannot be used: Row 3 has no label\."):
        call(lambda client: client.datasets.wait("digits", 1))


def test_waiting_for_a_job_raises_what_it_died_of(call: Any, service: Any) -> None:
    error = {"code": "diverged", "message": "The loss is not a number.", "hint": "Lower the learning rate."}
    service.on("GET", "/jobs/job_1", JOB, {**JOB, "state": "failed", "error": error})
    with pytest.raises(keraforge.JobFailed, match=r"not a number\. Lower the learning rate") as caught:
        call(lambda client: client.jobs.wait("job_1"))
    assert caught.value.code == "diverged"


def test_waiting_has_a_limit(call: Any, service: Any) -> None:
    service.on("GET", "/jobs/job_1", JOB)
    with pytest.raises(keraforge.WaitedTooLong, match="job_1 is still queued after 0 s"):
        call(lambda client: client.jobs.wait("job_1", timeout=0))


def test_logs_are_read_to_the_end(call: Any, service: Any) -> None:
    line = {"id": 7, "at": "2026-01-01T00:00:00Z", "level": "info", "message": "hello"}
    service.on("GET", "/jobs/job_1/logs", {"items": [line], "last_id": 7}, {"items": [], "last_id": 7})
    assert call(lambda client: client.jobs.logs("job_1")) == [line]
    assert [request.url.params["after"] for request in service.requests] == ["0", "7"]


def test_keys_and_aliases_say_what_the_service_expects(call: Any, service: Any) -> None:
    key = {"id": "key_1", "name": "camera", "scopes": ["predict"], "key": "kf_new"}
    service.on("POST", "/keys", key, status=201)
    service.on("DELETE", "/keys/key_1", status=204)
    service.on("PUT", "/models/digits/aliases/champion", {"version": 2})
    assert call(lambda client: client.keys.create("camera", ["predict"])).key == "kf_new"
    assert service.sent() == {"name": "camera", "scopes": ["predict"]}
    assert call(lambda client: client.keys.revoke("key_1")) is None
    call(lambda client: client.models.set_alias("digits", "champion", 2, force=True))
    assert service.sent() == {"version": 2, "force": True}
    call(lambda client: client.models.set_alias("digits", "champion", 2, not_worse_on="digits@1"))
    assert service.sent() == {"version": 2, "force": False, "not_worse_on": "digits@1"}
    service.on("POST", "/models/digits/aliases/champion/rollback", {"version": 1})
    assert call(lambda client: client.models.roll_back_alias("digits", "champion")) == {"version": 1}
    assert service.sent() == {"force": False}


def test_a_key_is_not_shown_by_accident() -> None:
    key = keraforge.Key.read({"id": "key_1", "name": "camera", "key": "kf_secret"})
    assert "kf_secret" not in repr(key)


def test_methods_keep_their_names_signatures_and_words() -> None:
    with keraforge.Client("http://service.test") as client:
        assert client.datasets.get.__name__ == "get"
        assert "latest version" in (client.datasets.get.__doc__ or "")
        assert list(inspect.signature(keraforge.client.datasets.Datasets.get._steps).parameters) == [
            "self",
            "name",
        ]
