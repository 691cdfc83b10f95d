"""The web process on files that are kept elsewhere."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from app import prepare
from app.database import Database
from app.files.remote import KNOWN_SECONDS, RemoteStore
from app.settings import Settings
from app.storage import Away, UnusableAddress

CSV = b"a,b,label\n1,2,x\n3,4,y\n5,6,x\n"
FILES = "/api/v1/models/digits/versions/1/artifacts"


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"file://{tmp_path / 'shared'}"


@pytest.fixture
def elsewhere(tmp_path: Path, address: str) -> RemoteStore:
    """The store as another machine has it."""
    store = RemoteStore(tmp_path / "elsewhere", address, 2**30)
    store.prepare()
    store.check()
    return store


@pytest.fixture
def remote(serve: Callable[..., Any], sqlite_url: str, settings: Settings, address: str) -> Iterator[Any]:
    settings = settings.model_copy(update={"files_url": address})
    prepare.prepare(settings)
    database = Database(sqlite_url)
    yield serve(database, files_url=address)
    database.close()


@pytest.fixture
def client(remote: Any) -> Iterator[httpx.Client]:
    with remote.client("admin") as client:
        yield client


@pytest.fixture
def published(remote: Any, elsewhere: RemoteStore, registry: Any) -> Any:
    """A version that another machine has published."""
    registry.store = elsewhere
    return registry.publish(files={"card.md": b"# A card"})


def upload(client: httpx.Client) -> httpx.Response:
    if client.get("/api/v1/datasets/rows").status_code == 404:
        client.post("/api/v1/datasets", json={"name": "rows", "kind": "table"}).raise_for_status()
    return client.post("/api/v1/datasets/rows/versions", params={"filename": "rows.csv"}, content=CSV)


def test_what_is_uploaded_here_is_found_elsewhere(client: httpx.Client, elsewhere: RemoteStore) -> None:
    answer = upload(client)
    assert answer.status_code == 202
    digest = answer.json()["source"]["sha256"]
    assert elsewhere.fetch(digest).read_bytes() == CSV


def test_what_was_published_elsewhere_answers_here(
    client: httpx.Client, published: Any, registry: Any
) -> None:
    rows = np.zeros((1, 8, 8, 1), np.float32)
    answer = client.post("/api/v1/models/digits/predict", json={"instances": rows.tolist()})
    assert answer.json()["predictions"][0]["probabilities"] == pytest.approx(
        registry.expected(0, rows)[0].tolist(), abs=1e-6
    )
    assert client.get(f"{FILES}/card.md").text == "# A card"


def test_a_file_that_is_missing_or_damaged_is_a_fault_of_the_store(
    client: httpx.Client, published: Any, elsewhere: RemoteStore
) -> None:
    digest = published.files["card.md"]["sha256"]
    name = f"objects/{digest[:2]}/{digest}"
    damaged = elsewhere.staging / "damaged"
    damaged.write_bytes(b"# A c?rd")
    for break_it in (lambda: elsewhere.depot.replace(damaged, name), lambda: elsewhere.depot.remove(name)):
        break_it()
        answer = client.get(f"{FILES}/card.md")
        assert (answer.status_code, answer.json()["code"]) == (503, "artifact_corrupt")


@pytest.fixture
def in_bucket(
    serve: Callable[..., Any], sqlite_url: str, settings: Settings, s3_address: str
) -> Iterator[httpx.Client]:
    """A client of a web process whose files are in a bucket."""
    prepare.prepare(settings.model_copy(update={"files_url": s3_address}))
    database = Database(sqlite_url)
    with serve(database, files_url=s3_address).client("admin") as client:
        yield client
    database.close()


def test_while_the_store_is_away_uploads_are_refused_for_now(
    in_bucket: httpx.Client, settings: Settings, s3_address: str, s3_server: Any
) -> None:
    client = in_bucket
    assert client.get("/readyz").json() == {"status": "ready", "files": "ok"}
    s3_server.kill()
    answer = upload(client)
    assert (answer.status_code, answer.json()["code"]) == (503, "files_unavailable")
    assert answer.headers["Retry-After"] == str(int(KNOWN_SECONDS))
    assert s3_address not in answer.text
    assert client.get("/readyz").json() == {"status": "ready", "files": "away"}
    assert client.get("/api/v1/datasets/rows/versions").json()["items"] == []
    assert list((settings.data_dir / "staging").iterdir()) == []
    s3_server.start()
    while upload(client).status_code == 503:
        time.sleep(0.2)
    assert client.get("/readyz").json()["files"] == "ok"
    assert len(client.get("/api/v1/datasets/rows/versions").json()["items"]) == 1


def test_with_the_data_folder_none_of_it_is_loaded(settings: Settings) -> None:
    program = (
        "import sys, app.main, workers.worker; from app.settings import Settings; "
        f"app.main.create_app(Settings(_env_file=None, data_dir={str(settings.data_dir)!r})); "
        "sys.exit(any(name in sys.modules for name in ('fsspec', 's3fs', 'app.files.depot')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_address_that_cannot_be_used_is_refused_before_anything_starts(
    settings: Settings, s3_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def start(url: str) -> None:
        prepare.prepare(settings.model_copy(update={"files_url": url}))

    with pytest.raises(UnusableAddress, match="nonsense://bucket cannot be used for files"):
        start("nonsense://bucket")
    (tmp_path / "file").touch()
    with pytest.raises(Away, match="cannot be used now"):
        start(f"file://{tmp_path / 'file' / 'below'}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(Away, match=f"{s3_address} cannot be used now"):
        start(s3_address)
