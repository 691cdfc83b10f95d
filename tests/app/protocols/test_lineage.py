"""Every answer of a version, whatever it is and in whichever dialect, leads back to what made the version."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

ROW = [[[0.0]] * 8] * 8
TENSOR = {"name": "image", "datatype": "FP32", "shape": [1, 8, 8, 1], "data": [0.0] * 64}
NATIVE, TF_SERVING, OPEN_INFERENCE = "/api/v1/models/digits", "/v1/models/digits", "/v2/models/digits"
OPENAI = "/v1/completions"
PNG = {"Content-Type": "image/png"}

ANSWERED: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", f"{NATIVE}/predict", {"json": {"instances": [ROW]}}),
    ("POST", f"{NATIVE}/predict?top_k=1", {"json": {"instances": [ROW]}}),
    ("POST", f"{NATIVE}/versions/1/predict", {"json": {"instances": [ROW]}}),
    ("POST", f"{NATIVE}/aliases/champion/predict", {"json": {"instances": [ROW]}}),
    ("POST", f"{TF_SERVING}:predict", {"json": {"instances": [ROW]}}),
    ("POST", f"{TF_SERVING}:classify", {"json": {"examples": [{"image": [0.0] * 64}]}}),
    ("GET", f"{TF_SERVING}/metadata", {}),
    ("POST", f"{OPEN_INFERENCE}/infer", {"json": {"inputs": [TENSOR]}}),
    ("GET", OPEN_INFERENCE, {}),
    ("GET", f"{OPEN_INFERENCE}/config", {}),
    ("POST", OPENAI, {"json": {"model": "tales", "prompt": "abc", "max_tokens": 2}}),
    ("POST", OPENAI, {"json": {"model": "tales", "prompt": "abc", "max_tokens": 2, "stream": True}}),
    ("POST", "/api/v1/models/tales/generate", {"json": {"prompt": "abc", "max_tokens": 2}}),
    ("POST", "/api/v1/models/tales/predict", {"json": {"instances": ["abc"]}}),
]
REFUSED: list[tuple[int, str, dict[str, Any]]] = [
    (400, f"{NATIVE}/predict", {"content": b"{"}),
    (415, f"{NATIVE}/predict", {"content": b"no picture", "headers": PNG}),
    (415, f"{NATIVE}/predict", {"content": b"", "headers": {"Content-Type": "video/mp4"}}),
    (409, f"{NATIVE}/samples", {"json": {"count": 1}}),
    (422, f"{NATIVE}/predict?top_k=100", {"json": {"instances": [ROW]}}),
    (400, f"{TF_SERVING}:predict", {"json": {"instances": [[1]]}}),
    (400, f"{TF_SERVING}:regress", {"json": {}}),
    (400, f"{OPEN_INFERENCE}/infer", {"json": {"inputs": [{**TENSOR, "name": "other"}]}}),
    (400, OPENAI, {"json": {"model": "digits", "prompt": "a"}}),
]


@pytest.fixture
def jobs(registry: Any, made: Any, speller: Any) -> dict[str, str]:
    """Publish two versions; return the jobs that made them."""
    tales = speller("abcdef ").artifact(made)
    return {"digits": registry.publish("digits").job_id, "tales": registry.publish("tales", **tales).job_id}


@pytest.fixture
def client(serve: Any, registry: Any) -> Iterator[httpx.Client]:
    service = serve(registry.database, predict_body_bytes=20_000)
    with service.client("predict") as client:
        yield client


def lineage(answer: httpx.Response) -> tuple[str | None, ...]:
    return tuple(answer.headers.get(f"x-keraforge-{name}") for name in ("model", "version", "job"))


def expected(jobs: dict[str, str], address: str, options: dict[str, Any]) -> tuple[str, ...]:
    model = (
        options["json"]["model"] if address == OPENAI else re.split("[/:]", address.split("/models/")[1])[0]
    )
    return model, "1", jobs[model]


def test_answers_lead_back(client: httpx.Client, jobs: dict[str, str]) -> None:
    for method, address, options in ANSWERED:
        answer = client.request(method, address, **options)
        assert answer.status_code == 200, (address, answer.text)
        assert lineage(answer) == expected(jobs, address, options), (method, address)


def test_errors_lead_back_once_the_version_is_known(client: httpx.Client, jobs: dict[str, str]) -> None:
    for status, address, options in REFUSED:
        answer = client.post(address, **options)
        assert answer.status_code == status, (address, answer.text)
        assert lineage(answer) == expected(jobs, address, options), (address, options)


def test_a_body_that_grows_too_long_is_an_error_of_the_version_that_reads_it(
    client: httpx.Client, jobs: dict[str, str]
) -> None:
    answer = client.post(f"{NATIVE}/predict", content=(b" " * 1000 for _ in range(100)))
    assert answer.status_code == 413
    assert lineage(answer) == ("digits", "1", jobs["digits"])


@pytest.mark.usefixtures("jobs")
def test_an_error_about_no_version_names_none(client: httpx.Client) -> None:
    for address in (f"{NATIVE}/versions/7/predict", f"{TF_SERVING}/versions/7:predict"):
        answer = client.post(address, json={"instances": [ROW]})
        assert answer.status_code == 404
        assert lineage(answer) == (None, None, None)
