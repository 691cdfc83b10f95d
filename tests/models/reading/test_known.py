"""Datasets that are fetched: small ones of the same form, served on this machine."""

import gzip
import hashlib
import http.server
import io
import struct
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.reading.canonical import Reading, write_canonical
from models.reading.errors import BadData
from models.reading.fetching import Remote, fetch
from models.reading.known import (
    CIFAR10,
    FASHION_MNIST,
    IMDB,
    MNIST,
    read_cifar10,
    read_fashion_mnist,
    read_imdb,
    read_mnist,
)
from models.reading.options import ReadingOptions
from models.reading.source import Source

Serve = Callable[..., Remote]
ROWS = 20


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve a file on this machine, and return its address with what is known of it."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def add(name: str, content: bytes) -> Remote:
            (folder / name).write_bytes(content)
            url = f"http://127.0.0.1:{server.server_port}/{name}"
            return Remote(url, hashlib.sha256(content).hexdigest(), len(content))

        yield add
        server.shutdown()
        thread.join()


def canonical(source: Source, folder: Path) -> tuple[Reading, dict[str, np.ndarray]]:
    output = folder / "output"
    output.mkdir()
    reading = write_canonical(source, ReadingOptions(), output, 10**9)
    return reading, {file.stem: np.load(file) for file in output.glob("*.npy")}


def tar(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, file in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(file)
            archive.addfile(member, io.BytesIO(file))
    return content.getvalue()


def named(remotes: tuple[Remote, ...]) -> list[str]:
    return [remote.url.rpartition("/")[2] for remote in remotes]


def test_mnist_is_read_as_keras_ships_it(serve: Serve, tmp_path: Path) -> None:
    content = io.BytesIO()
    x, y = np.arange(ROWS * 9, dtype=np.uint8).reshape(ROWS, 3, 3), np.arange(ROWS) % 10
    np.savez(content, x_train=x, y_train=y, x_test=x + 1, y_test=y)
    reading, arrays = canonical(
        read_mnist(ReadingOptions(), tmp_path, remotes=[serve(*named(MNIST), content.getvalue())]), tmp_path
    )
    assert (reading.split["method"], reading.schema.labels[0]) == ("given", "0")
    np.testing.assert_array_equal(arrays["x"][ROWS:, ..., 0], x + 1)


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes())


@pytest.fixture
def clothes() -> dict[str, bytes]:
    x = np.arange(ROWS * 9, dtype=np.uint8).reshape(ROWS, 3, 3)
    y = (np.arange(ROWS) % 10).astype(np.uint8)
    return dict(zip(named(FASHION_MNIST), [idx(x), idx(y), idx(x + 1), idx(y)], strict=True))


def test_fashion_mnist_is_fetched_and_its_classes_have_names(
    serve: Serve, clothes: dict[str, bytes], tmp_path: Path
) -> None:
    remotes = [serve(name, content) for name, content in clothes.items()]
    source = read_fashion_mnist(ReadingOptions(), tmp_path, remotes=remotes, folder=tmp_path / "none")
    reading, arrays = canonical(source, tmp_path)
    assert (reading.schema.rows, reading.schema.test_rows) == (2 * ROWS, ROWS)
    assert (reading.schema.labels[0], reading.schema.labels[9]) == ("T-shirt/top", "Ankle boot")
    assert arrays["y"].tolist() == [*range(10)] * 4


def test_fashion_mnist_is_read_from_the_system_where_it_is_installed(
    clothes: dict[str, bytes], tmp_path: Path
) -> None:
    system, scratch = tmp_path / "system", tmp_path / "scratch"
    system.mkdir()
    scratch.mkdir()
    for name, content in clothes.items():
        (system / name).write_bytes(content)
    nowhere = [replace(remote, url=f"http://127.0.0.1:9/{name}") for remote, name in
               zip(FASHION_MNIST, clothes, strict=True)]  # fmt: skip
    source = read_fashion_mnist(ReadingOptions(), scratch, remotes=nowhere, folder=system)
    assert source.count == 2 * ROWS
    (system / named(FASHION_MNIST)[3]).unlink()
    with pytest.raises(BadData, match="which this machine cannot reach"):
        read_fashion_mnist(ReadingOptions(), scratch, remotes=nowhere, folder=system)


def test_cifar10_becomes_rows_with_channels_last(serve: Serve, tmp_path: Path) -> None:
    pixels = np.zeros((10, 3, 32, 32), np.uint8)
    # Red grows to the right, green downwards.
    pixels[:, 0], pixels[:, 1] = np.arange(32), np.arange(32)[:, None]
    pixels[:, 2] = np.arange(10)[:, None, None]
    files = {}
    for number, name in enumerate(("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                                   "data_batch_5", "test_batch")):  # fmt: skip
        classes = (np.arange(10, dtype=np.uint8) + number) % 10
        batch = np.concatenate([classes[:, None], pixels.reshape(10, -1)], axis=1)
        files[f"cifar-10-batches-bin/{name}.bin"] = batch.tobytes()
    remotes = [serve(*named(CIFAR10), tar(files))]
    reading, arrays = canonical(read_cifar10(ReadingOptions(), tmp_path, remotes=remotes), tmp_path)
    assert (reading.schema.shape, reading.schema.labels[6]) == ((32, 32, 3), "frog")
    assert arrays["test"].tolist() == list(range(50, 60))
    assert arrays["x"][17, 3, 5].tolist() == [5, 3, 7]
    assert arrays["y"][10:20].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]


def test_imdb_is_read_as_the_texts_that_it_was(serve: Serve, tmp_path: Path) -> None:
    files = {"aclImdb/train/unsup/0_0.txt": b"no row", "aclImdb/README": b"no row"}
    for split, count in (("test", 5), ("train", 10)):
        for label in ("pos", "neg"):
            files |= {f"aclImdb/{split}/{label}/{row}_7.txt": f"{label}<br />{split} {row}".encode()
                      for row in range(count)}  # fmt: skip
    remotes = [serve(*named(IMDB), tar(files))]
    reading, arrays = canonical(read_imdb(ReadingOptions(), tmp_path, remotes=remotes), tmp_path)
    assert (reading.schema.kind, reading.schema.labels) == ("text", ["neg", "pos"])
    assert (reading.schema.rows, arrays["test"].tolist()) == (30, list(range(20, 30)))
    assert arrays["y"].tolist() == [0] * 10 + [1] * 10 + [0] * 5 + [1] * 5
    assert "br" not in reading.profile["top"]
    assert reading.profile["top"]["train"] == 20


def test_another_file_than_the_known_one_is_refused(serve: Serve, tmp_path: Path) -> None:
    remote = replace(serve("a", b"something"), sha256="0" * 64)
    with pytest.raises(BadData, match="its SHA-256 is another"):
        fetch([remote], tmp_path)


def test_more_than_the_known_size_is_not_kept(serve: Serve, tmp_path: Path) -> None:
    remote = replace(serve("a", bytes(2_000_000)), size=10)
    with pytest.raises(BadData, match="its SHA-256 is another"):
        fetch([remote], tmp_path)
    assert (tmp_path / "a").stat().st_size < 1_000_000


def test_a_file_that_is_gone_or_a_machine_without_a_network_is_told(serve: Serve, tmp_path: Path) -> None:
    here = serve("a", b"something")
    for url, why in ((f"{here.url}b", "File not found"), ("http://127.0.0.1:9/a", "refused")):
        with pytest.raises(BadData) as raised:
            fetch([replace(here, url=url)], tmp_path)
        assert "fetched from 127.0.0.1, which this machine cannot reach" in raised.value.message
        assert why in raised.value.message
        assert "upload it" in str(raised.value.hint)


def test_it_is_told_how_far_it_is(serve: Serve, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    fetch([serve("a", b"one"), serve("b", b"three")], tmp_path, lambda *step: told.append(step))
    assert told == [(3, 8), (8, 8)]
