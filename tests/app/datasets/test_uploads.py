import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.database import Database
from app.settings import Settings
from app.tables import DatasetVersion, Job

# No query here differs between the databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VERSIONS = "/api/v1/datasets/mine/versions"


@pytest.fixture
def client(database: Database, serve: Callable[..., Any]) -> Iterator[httpx.Client]:
    """A client over a real socket, which takes bodies in pieces."""
    with serve(database).client("admin") as client:
        yield client


@pytest.fixture(autouse=True)
def _dataset(client: httpx.Client) -> None:
    client.post("/api/v1/datasets", json={"name": "mine"})


def staged(settings: Settings) -> list[Path]:
    return list((settings.data_dir / "staging").iterdir())


def objects(settings: Settings) -> list[Path]:
    return [path for path in (settings.data_dir / "objects").rglob("*") if path.is_file()]


def test_an_upload_is_stored_by_its_digest_and_queued_to_be_read(
    client: httpx.Client, settings: Settings, database: Database, npz: bytes
) -> None:
    answer = client.post(VERSIONS, params={"filename": "C:\\my\\digits.npz"}, content=npz)
    assert (answer.status_code, answer.headers["location"]) == (202, f"{VERSIONS}/1")
    digest = hashlib.sha256(npz).hexdigest()
    assert answer.json()["source"] == {"sha256": digest, "bytes": len(npz), "filename": "digits.npz"}
    assert [path.read_bytes() for path in objects(settings)] == [npz]
    assert staged(settings) == []
    with database.read() as session:
        job = session.scalars(select(Job)).one()
        assert (job.kind, job.slot, job.state) == ("reading", "light", "queued")
        assert job.request == {"dataset_version": job.dataset_version_id}


def test_the_body_may_come_in_pieces_of_any_size(
    client: httpx.Client, settings: Settings, npz: bytes
) -> None:
    def pieces() -> Iterator[bytes]:
        yield npz[:1]
        yield npz[1:3]
        yield b""
        yield npz[3:700]
        yield npz[700:]

    assert client.post(VERSIONS, content=pieces()).status_code == 202
    assert [path.read_bytes() for path in objects(settings)] == [npz]


@pytest.mark.parametrize("says_how_much", [True, False])
def test_what_leaves_too_little_room_is_refused_before_it_is_written(
    serve: Callable[..., Any], settings: Settings, database: Database, npz: bytes, says_how_much: bool
) -> None:
    content = npz if says_how_much else iter([npz])
    with serve(database, free_bytes=2**62).client("admin") as other:
        refused = other.post(VERSIONS, content=content)
        assert (refused.status_code, refused.json()["code"]) == (503, "storage_low")
        assert int(refused.headers["retry-after"]) > 0
        assert other.post(VERSIONS, json={"builtin": "digits"}).status_code == 202
    assert staged(settings) == []


def test_the_content_type_is_free(client: httpx.Client, npz: bytes) -> None:
    for number, media_type in enumerate(
        ["application/x-www-form-urlencoded", "text/plain", "application/zip"]
    ):
        answer = client.post(
            VERSIONS, params={"seed": number}, content=npz, headers={"Content-Type": media_type}
        )
        assert answer.status_code == 202


def test_options_are_query_parameters(client: httpx.Client, npz: bytes) -> None:
    query = "?test_fraction=0.3&stratified=false&seed=7&labels=no&labels=yes&range=0&range=16"
    options = client.post(VERSIONS + query, content=npz).json()["options"]
    assert options == {
        "test_fraction": 0.3,
        "stratified": False,
        "seed": 7,
        "labels": ["no", "yes"],
        "range": [0, 16],
    }


def test_the_same_file_read_in_the_same_way_is_the_same_version(client: httpx.Client, npz: bytes) -> None:
    first = client.post(VERSIONS, content=npz)
    again = client.post(VERSIONS, content=npz)
    assert (again.status_code, again.headers["location"]) == (200, first.headers["location"])
    assert again.json() == first.json()
    other = client.post(VERSIONS, params={"seed": 1}, content=npz)
    assert (other.status_code, other.json()["number"]) == (202, 2)


def test_a_file_that_could_not_be_read_may_be_sent_again(
    client: httpx.Client, database: Database, npz: bytes
) -> None:
    client.post(VERSIONS, content=npz)
    with database.write() as session:
        session.scalars(select(DatasetVersion)).one().state = "invalid"
    again = client.post(VERSIONS, content=npz)
    assert (again.status_code, again.json()["number"]) == (202, 2)


def test_stored_bytes_are_read_again_by_their_digest(client: httpx.Client, npz: bytes) -> None:
    source = client.post(VERSIONS, content=npz).json()["source"]
    body = {"content": f"sha256:{source['sha256']}", "options": {"test_fraction": 0.5}}
    again = client.post(VERSIONS, json=body)
    assert (again.status_code, again.json()["number"]) == (202, 2)
    assert again.json()["source"] == source
    assert again.json()["options"]["test_fraction"] == 0.5
    assert client.post(VERSIONS, json=body).status_code == 200


def test_what_is_no_archive_is_refused_at_its_first_bytes(client: httpx.Client, settings: Settings) -> None:
    asked = []

    def pieces() -> Iterator[bytes]:
        for number in range(100):
            asked.append(number)
            yield b"\x89PNG\r\n\x1a\n" + bytes(100_000)

    answer = client.post(VERSIONS, content=pieces())
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert ".npz" in answer.json()["detail"]
    assert staged(settings) == objects(settings) == []


def test_a_file_that_is_cut_off_is_refused(client: httpx.Client, settings: Settings, npz: bytes) -> None:
    answer = client.post(VERSIONS, content=npz[:-40])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "truncated"
    assert staged(settings) == objects(settings) == []


def test_an_empty_body_is_refused(client: httpx.Client) -> None:
    answer = client.post(VERSIONS, content=b"")
    assert answer.status_code == 422
    assert "curl -T" in answer.json()["detail"]


@pytest.mark.parametrize("declared", [True, False])
def test_an_upload_beyond_the_limit_leaves_nothing(
    client: httpx.Client, settings: Settings, npz: bytes, declared: bool
) -> None:
    # Chunked bodies tell no length: they are refused at the byte that is too much.
    body = npz[:4] + bytes(settings.upload_bytes)
    content = body if declared else (body[start : start + 4096] for start in range(0, len(body), 4096))
    answer = client.post(VERSIONS, content=content)
    assert (answer.status_code, answer.json()["limit"]) == (413, settings.upload_bytes)
    assert staged(settings) == objects(settings) == []


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with a small limit, which is crossed quickly."""
    return settings.model_copy(update={"upload_bytes": 200_000})


def test_an_upload_to_nowhere_is_refused(client: httpx.Client, settings: Settings, npz: bytes) -> None:
    assert client.post("/api/v1/datasets/none/versions", content=npz).status_code == 404
    assert objects(settings) == []
