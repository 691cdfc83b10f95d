from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FILES = "/api/v1/models/digits/versions/1/artifacts"
GRAPH = bytes(range(256)) * 8


@pytest.fixture(autouse=True)
def _version(published: Any) -> None:
    published.version()


def test_the_list_names_every_file_and_where_to_get_it(client: httpx.Client, published: Any) -> None:
    items = client.get(FILES).json()["items"]
    assert [item["path"] for item in items] == [
        "card.md",
        "pictures/confusion.png",
        "predict.onnx",
        "report.json",
    ]
    for item in items:
        answer = client.get(item["href"])
        assert answer.headers["content-type"].startswith(item["media_type"])
        assert len(answer.content) == item["bytes"]


def test_a_file_is_sent_so_that_no_browser_runs_it(client: httpx.Client) -> None:
    answer = client.get(f"{FILES}/pictures/confusion.png")
    assert answer.headers["content-disposition"] == 'attachment; filename="confusion.png"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_job_that_published_it_has_the_same_files(client: httpx.Client) -> None:
    job = client.get("/api/v1/models/digits/versions/1").json()["lineage"]["job"]
    items = client.get(f"/api/v1/jobs/{job}/artifacts").json()["items"]
    assert len(items) == 4
    assert client.get(f"/api/v1/jobs/{job}/artifacts/predict.onnx").content == GRAPH


def test_a_file_that_the_caller_has_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get(f"{FILES}/predict.onnx")
    again = client.get(f"{FILES}/predict.onnx", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "immutable" in first.headers["cache-control"]


@pytest.mark.parametrize(
    ("header", "part"),
    [("bytes=0-9", slice(0, 10)), ("bytes=2040-", slice(2040, 2048)), ("bytes=-8", slice(2040, 2048)),
     ("bytes=10-99999", slice(10, 2048)), ("bytes=-99999", slice(0, 2048))],
)  # fmt: skip
def test_one_range_is_sent_alone(client: httpx.Client, header: str, part: slice) -> None:
    answer = client.get(f"{FILES}/predict.onnx", headers={"Range": header})
    assert (answer.status_code, answer.content) == (206, GRAPH[part])
    assert answer.headers["content-range"] == f"bytes {part.start}-{part.stop - 1}/2048"


def test_anything_but_one_range_gets_the_whole_file(client: httpx.Client) -> None:
    many = ",".join(f"{start}-" for start in range(2000))
    for header in (
        "bytes=0-1,3-4",
        "bytes=5-3",
        "lines=1-2",
        "bytes=a-b",
        "bytes=",
        "bytes=-",
        f"bytes={many}",
    ):
        answer = client.get(f"{FILES}/predict.onnx", headers={"Range": header})
        assert (answer.status_code, answer.content) == (200, GRAPH), header[:40]


def test_a_range_beyond_the_end_is_refused(client: httpx.Client) -> None:
    for header in ("bytes=2048-", "bytes=9999-10000", "bytes=-0"):
        answer = client.get(f"{FILES}/predict.onnx", headers={"Range": header})
        assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
        assert answer.headers["content-range"] == "bytes */2048"


def test_only_files_of_the_artifact_are_found(client: httpx.Client) -> None:
    for path in (
        "none",
        "../predict.onnx",
        "%2e%2e/%2e%2e/api-key",
        "/etc/passwd",
        "pictures",
        "pictures/",
        "%2Fetc",
    ):
        assert client.get(f"{FILES}/{path}").status_code == 404, path


def test_a_file_that_is_gone_is_a_fault_of_the_store(client: httpx.Client, published: Any) -> None:
    sha256 = next(
        item["sha256"] for item in client.get(FILES).json()["items"] if item["path"] == "predict.onnx"
    )
    published.store.path(sha256).unlink()
    answer = client.get(f"{FILES}/predict.onnx")
    assert (answer.status_code, answer.json()["code"]) == (503, "artifact_corrupt")
