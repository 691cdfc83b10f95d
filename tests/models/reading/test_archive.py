"""Archives that mean harm."""

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.reading.errors import BadData
from models.reading.npz import read_npz

LIMIT = 10**9
Zipped = Callable[..., Path]


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(text: str, version: bytes = b"\x01\x00") -> bytes:
    line = text.encode() + b"\n"
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(line))
    return b"\x93NUMPY" + version + length + line


X, Y = npy(np.zeros((20, 4, 4), np.uint8)), npy(np.arange(20) % 2)


@pytest.fixture
def refuse(tmp_path: Path) -> Callable[..., BadData]:
    def read(path: Path, max_bytes: int = LIMIT) -> BadData:
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        with pytest.raises(BadData) as raised:
            read_npz(path, scratch, max_bytes)
        return raised.value

    return read


@pytest.mark.parametrize("body", [b"", b"PK", b"not a zip at all" * 100, b"\x93NUMPY" + b"\0" * 200])
def test_what_is_no_archive_is_refused(body: bytes, tmp_path: Path, refuse: Callable[..., BadData]) -> None:
    path = tmp_path / "upload.npz"
    path.write_bytes(body)
    error = refuse(path)
    assert "not a whole .npz archive" in error.message
    assert "numpy.savez" in str(error.hint)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_archive_is_refused(share: float, zipped: Zipped, refuse: Callable[..., BadData]) -> None:
    path = zipped({"x.npy": X, "y.npy": Y})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "not a whole .npz archive" in refuse(path).message


def test_an_archive_without_its_beginning_is_refused(zipped: Zipped, refuse: Callable[..., BadData]) -> None:
    path = zipped({"x.npy": X, "y.npy": Y}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes()[100:])
    refuse(path)


def test_a_bomb_is_refused_before_it_is_unpacked(zipped: Zipped, refuse: Callable[..., BadData]) -> None:
    array = header("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 10, 10), }")
    bomb = zipped({"x.npy": array + bytes(10**8), "y.npy": Y})
    assert bomb.stat().st_size < 200_000
    tracemalloc.start()
    error = refuse(bomb)
    allocated = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "x.npy would grow more than 100-fold" in error.message
    assert "numpy.savez" in str(error.hint)
    assert allocated < 10**6


def test_uniform_data_of_ordinary_size_is_no_bomb(zipped: Zipped, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    path = zipped({"x.npy": npy(np.zeros((20, 100, 100), np.uint8)), "y.npy": Y})
    assert read_npz(path, tmp_path / "scratch", LIMIT).rows.x.shape == (20, 100, 100)


def test_more_than_the_limit_is_refused_by_what_is_declared(
    zipped: Zipped, refuse: Callable[..., BadData], tmp_path: Path
) -> None:
    path = zipped({"x.npy": X, "y.npy": Y})
    declared = len(X) + len(Y)
    assert f"at most {declared - 1:,} are read" in refuse(path, declared - 1).message
    read_npz(path, tmp_path / "scratch", declared)


def test_a_member_that_lies_about_its_size_is_refused(zipped: Zipped, refuse: Callable[..., BadData]) -> None:
    path = zipped({"x.npy": X, "y.npy": Y})
    body = bytearray(path.read_bytes())
    central = body.index(b"PK\x01\x02")
    body[central + 24 : central + 28] = struct.pack("<I", len(X) - 16)
    path.write_bytes(bytes(body))
    refuse(path)


def test_a_wrong_checksum_is_refused(zipped: Zipped, refuse: Callable[..., BadData]) -> None:
    path = zipped({"x.npy": X, "y.npy": Y}, zipfile.ZIP_STORED)
    body = bytearray(path.read_bytes())
    body[body.index(X) + len(X) - 1] ^= 1
    path.write_bytes(bytes(body))
    error = refuse(path)
    assert "x.npy cannot be unpacked" in error.message


def test_members_that_share_bytes_are_refused(zipped: Zipped, refuse: Callable[..., BadData]) -> None:
    path = zipped({"x.npy": X, "y.npy": X})
    body = bytearray(path.read_bytes())
    second = body.index(b"PK\x01\x02", body.index(b"PK\x01\x02") + 4)
    body[second + 42 : second + 46] = struct.pack("<I", 0)
    path.write_bytes(bytes(body))
    assert "overlap" in refuse(path).message


def test_a_directory_that_points_beyond_the_file_is_refused(
    zipped: Zipped, refuse: Callable[..., BadData]
) -> None:
    path = zipped({"x.npy": X, "y.npy": Y})
    body = bytearray(path.read_bytes())
    central = body.index(b"PK\x01\x02")
    body[central + 20 : central + 24] = struct.pack("<I", 2**31)
    path.write_bytes(bytes(body))
    refuse(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path: Path, refuse: Callable[..., BadData]) -> None:
    path = tmp_path / "upload.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for content in (X, Y):
            archive.writestr("x.npy", content)
    assert "holds 'x.npy' twice" in refuse(path).message


@pytest.mark.parametrize(
    "name",
    [
        "../x.npy",
        "/etc/x.npy",
        "a/x.npy",
        "a\\x.npy",
        ".npy",
        "x.npy\n.npy",
        "x.pkl",
        "x",
        "\uff58.npy",
        "x" * 101 + ".npy",
    ],
)
def test_names_that_are_no_arrays_are_refused(
    name: str, zipped: Zipped, refuse: Callable[..., BadData]
) -> None:
    path = zipped({"x.npy": X, "y.npy": Y, name: Y})
    error = refuse(path)
    assert "is not an array" in error.message
    assert len(error.message) < 200


def test_an_encrypted_member_is_refused(zipped: Zipped, refuse: Callable[..., BadData]) -> None:
    path = zipped({"x.npy": X, "y.npy": Y})
    body = bytearray(path.read_bytes())
    body[body.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(body))
    assert "x.npy is encrypted" in refuse(path).message


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_refused(method: int, zipped: Zipped, refuse: Callable[..., BadData]) -> None:
    assert "other than deflate" in refuse(zipped({"x.npy": X, "y.npy": Y}, method)).message


@pytest.mark.parametrize("count", [65, 20_000])
def test_too_many_members_are_refused(count: int, zipped: Zipped, refuse: Callable[..., BadData]) -> None:
    path = zipped({f"a{number}.npy": b"" for number in range(count)}, zipfile.ZIP_STORED)
    assert "at most 64 arrays" in refuse(path).message


def test_an_endless_directory_is_refused_before_it_is_read(
    zipped: Zipped, refuse: Callable[..., BadData]
) -> None:
    path = zipped({f"a{number}.npy": b"" for number in range(70_000)}, zipfile.ZIP_STORED)
    assert b"PK\x06\x07" in path.read_bytes()[-42:]
    tracemalloc.start()
    error = refuse(path)
    allocated = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "too many files" in error.message
    assert allocated < 10**6


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"PK\x03\x04 not an array",
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (20, 4, 4), }", b"\x02\x00") + bytes(320),
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (20, 4, -4), }") + bytes(320),
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (20, 4, 4.0), }") + bytes(320),
        header("{'descr': '|u1', 'fortran_order': 1, 'shape': (20, 4, 4), }") + bytes(320),
        header("{'descr': 'nonsense', 'fortran_order': False, 'shape': (20, 4, 4), }") + bytes(320),
        header("{'descr': '|u1', 'shape': (20, 4, 4), }") + bytes(320),
        header("__import__('os').system('true')") + bytes(320),
        header("(" * 5000) + bytes(320),
        header("{'descr': '|u1', 'fortran_order': False, 'shape': (20, 4, 4), }" + " " * 20_000) + bytes(320),
    ],
)
def test_a_header_that_is_none_is_refused(
    content: bytes, zipped: Zipped, refuse: Callable[..., BadData]
) -> None:
    error = refuse(zipped({"x.npy": content, "y.npy": Y}))
    assert error.field == "x"
    assert "x is not an array as numpy.save writes it" in error.message


@pytest.mark.parametrize("shape", [(21, 4, 4), (19, 4, 4), (10**12, 4, 4), (2**62, 4, 4)])
def test_a_header_that_lies_about_the_shape_is_refused(
    shape: tuple[int, ...], zipped: Zipped, refuse: Callable[..., BadData]
) -> None:
    content = header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}") + bytes(320)
    error = refuse(zipped({"x.npy": content, "y.npy": Y}))
    assert "320 bytes follow" in error.message


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_of_any_kind_is_refused_or_survived(
    data: st.DataObject, zipped: Zipped, tmp_path: Path
) -> None:
    path = zipped(
        {"x.npy": X, "y.npy": Y}, data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    )
    body = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(body))
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    try:
        source = read_npz(path, scratch, LIMIT)
    except BadData:
        return
    assert source.rows.x.dtype.kind in "buifU"
