from typing import Any

FOUND = {"job": "job_1", "state": "succeeded", "model": "m", "version": 2, "dataset": "d@1"}


def test_an_evaluation_is_submitted_listed_and_read(call: Any, service: Any) -> None:
    job = {"id": "job_1", "kind": "evaluation", "state": "queued", "model": "m", "version": 2}
    service.on("POST", "/models/m/versions/2/evaluations", job, status=202)
    service.on("GET", "/models/m/versions/2/evaluations", {"items": [FOUND], "next_cursor": None})
    whole = FOUND | {"metrics": {"accuracy": 0.5}, "report": {"accuracy": 0.5}, "files": []}
    service.on("GET", "/models/m/versions/2/evaluations/job_1", whole)
    assert call(lambda client: client.evaluate("m", 2, dataset="d")).id == "job_1"
    assert service.sent() == {"dataset": "d"}
    assert service.requests[0].headers["Idempotency-Key"]
    (listed,) = call(lambda client: client.models.evaluations("m", 2))
    assert (listed.job, listed.report) == ("job_1", None)
    assert call(lambda client: client.models.evaluation("m", 2, "job_1")).report == {"accuracy": 0.5}
