import io
import json
from typing import Any

import httpx
import pytest
from rich.console import Console

import keraforge
from keraforge.demo.story import Steps, tell

SCHEMA = {
    "rows": 4,
    "test_rows": 2,
    "shape": [1, 2, 1],
    "labels": ["0", "1"],
    "image": {"low": 0, "high": 16, "background": 0},
}
VERSION = {"dataset": "digits", "number": 1, "state": "ready", "schema": SCHEMA}
DATASET = {"name": "digits", "kind": "images", "latest": VERSION}
JOB = {"id": "job_1", "kind": "training", "state": "succeeded", "model": "digits", "version": 2}
ROWS = [
    {"row": number, "label": str(number % 2), "split": split, "values": [[[number], [16]]]}
    for number, split in enumerate(["train", "test", "train", "test"])
]
END = {"id": 1, "at": "2026-01-01T00:00:00Z", "type": "state", "data": {"state": "succeeded"}}


@pytest.fixture
def told(service: Any) -> Any:
    """A service that can tell the whole story."""
    service.on("POST", "/datasets", DATASET, status=202)
    service.on("GET", "/datasets/digits", DATASET)
    service.on("GET", "/datasets/digits/versions/1", VERSION)
    service.on("POST", "/jobs", {**JOB, "state": "queued"}, status=202)
    stream = f"id: 1\ndata: {json.dumps(END)}\n\n"
    service.on("GET", "/jobs/job_1/events", lambda: httpx.Response(200, content=stream))
    service.on("GET", "/jobs/job_1", JOB)
    service.on("GET", "/models/digits/versions/2", published(0.98))
    service.on("GET", "/datasets/digits/versions/1/preview", {"rows": ROWS, "total": 4, "shape": [1, 2, 1]})
    row = {"label": "1", "probability": 0.75, "probabilities": [0.25, 0.75]}
    answer = {"model": "digits", "version": 2, "job": "job_1", "labels": ["0", "1"], "predictions": [row]}
    service.on("POST", "/models/digits/versions/2/predict", answer)
    return service


def published(accuracy: float) -> dict[str, Any]:
    return {
        "model": "digits",
        "version": 2,
        "family": "cnn",
        "parameters": 7,
        "metrics": {"accuracy": accuracy},
    }


def run(service: Any) -> tuple[str, Any]:
    """Tell the story; return what was said and the pixels."""
    said = io.StringIO()
    with keraforge.Client("http://service.test", transport=httpx.MockTransport(service)) as client:
        pixels = tell(client, Steps(Console(file=said, width=100)))
    return said.getvalue(), pixels


def test_it_says_what_was_done_and_what_came_of_it(told: Any) -> None:
    said, pixels = run(told)
    assert "✓ Test      accuracy 0.9800 on 2 images it never saw" in said
    # Version 2 is asked about the second test row.
    assert "✓ Predict   test image 3: the answer is 1, with probability 75.0%" in said
    assert pixels == ROWS[3]["values"]
    assert told.sent() == {"instances": [ROWS[3]["values"]]}
    # No line ends in blanks, which a pipe or a file would keep.
    assert [line for line in said.splitlines() if line != line.rstrip()] == []


def test_a_dataset_of_an_earlier_run_is_used_again(told: Any) -> None:
    told.on("POST", "/datasets", {"detail": "There is one already.", "code": "name_taken"}, status=409)
    said, _ = run(told)
    assert "✓ Dataset   digits@1" in said


def test_an_accuracy_that_is_too_low_fails_the_demo(told: Any) -> None:
    told.on("GET", "/models/digits/versions/2", published(0.9694))
    with pytest.raises(keraforge.KeraforgeError, match=r"test accuracy is 0\.9694; at least 0\.97 must be"):
        run(told)


def test_a_job_that_fails_fails_the_demo_with_its_reason(told: Any) -> None:
    error = {"code": "diverged", "message": "The loss is not a number."}
    told.on("GET", "/jobs/job_1", {**JOB, "state": "failed", "error": error})
    with pytest.raises(keraforge.JobFailed, match="The loss is not a number"):
        run(told)
