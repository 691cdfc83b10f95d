import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

import keraforge
from keraforge.client.files import kind_of

VERSION = {"dataset": "digits", "number": 1, "state": "ready"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.CSV", "table"), ("a.tsv", "table"), ("a.parquet", "table"), ("a.txt", "text"), ("a.jsonl", "text"),
     ("a.npz", "images"), ("a.gz", "images"), ("a", "images"), ("a.zip", "images")],
)  # fmt: skip
def test_the_ending_of_a_file_tells_the_kind(name: str, kind: str) -> None:
    assert kind_of(Path(name)) == kind


@pytest.mark.parametrize(
    ("members", "kind"),
    [(["m/a/1.txt", "m/readme"], "text"), (["a/1.png", "a/note.txt"], "images"), (["a/1.JPG"], "images")],
)
def test_the_files_within_a_zip_tell_its_kind(members: list[str], kind: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, "")
    assert kind_of(path) == kind


def test_several_files_are_sent_as_one_zip(call: Any, service: Any, tmp_path: Path) -> None:
    files = [tmp_path / f"train-{role}-ubyte.gz" for role in ("images-idx3", "labels-idx1")]
    for file in files:
        file.write_bytes(file.name.encode())
    service.on("GET", "/datasets/mnist", {"name": "mnist", "kind": "images"})
    service.on("POST", "/datasets/mnist/versions", VERSION, status=202)
    call(lambda client: client.datasets.upload("mnist", *files))
    request = service.requests[-1]
    assert request.url.params["filename"] == "train-images-idx3-ubyte.zip"
    with zipfile.ZipFile(io.BytesIO(request.content)) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == {
            file.name: file.name for file in files
        }


def test_an_upload_of_another_kind_than_the_dataset_is_not_sent(
    call: Any, service: Any, tmp_path: Path
) -> None:
    file = tmp_path / "x.npz"
    file.write_bytes(b"PK")
    service.on("GET", "/datasets/digits", {"name": "digits", "kind": "images"})
    with pytest.raises(keraforge.KeraforgeError, match="is one of images, not of vectors"):
        call(lambda client: client.datasets.upload("digits", file, kind="vectors"))
    assert [request.method for request in service.requests] == ["GET"]
