import json
from typing import Any

import httpx

JOB = {"id": "job_1", "kind": "evaluation", "state": "succeeded", "model": "digits", "version": 2}


def test_an_evaluation_shows_what_it_found(run: Any, served: Any) -> None:
    served.on("GET", "/models/digits", {"name": "digits", "versions": 2, "aliases": {"champion": 2}})
    served.on("POST", "/models/digits/versions/2/evaluations", {**JOB, "state": "queued"}, status=202)
    end = {"id": 1, "at": "2026-01-01T00:00:00Z", "type": "state", "data": {"state": "succeeded"}}
    content = f"id: 1\ndata: {json.dumps(end)}\n\n"
    stream = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=content)
    served.on("GET", "/jobs/job_1/events", stream)
    served.on("GET", "/jobs/job_1", JOB)
    found = {"job": "job_1", "state": "succeeded", "model": "digits", "version": 2, "dataset": "more@1"}
    found |= {"metrics": {"macro_f1": 0.5}, "files": [{"path": "report.json"}]}
    served.on("GET", "/models/digits/versions/2/evaluations/job_1", found)
    result = run("evaluate", "digits", "--dataset", "more")
    assert [line.split(None, 1)[0] for line in result.stdout.splitlines()] == [
        *("Version", "Dataset", "macro", "Files", "Job"),
    ]
    assert "0.5" in result.stdout
    assert json.loads(served.requests[1].content) == {"dataset": "more"}
    assert run("evaluate", "digits@2", "--dataset", "more", "-d").stdout == "job_1\n"
    assert "no alias none" in run("evaluate", "digits@none", "--dataset", "more", status=1).stderr
