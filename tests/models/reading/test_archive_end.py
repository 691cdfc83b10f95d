"""The end of an archive is found where ``zipfile`` finds it; entries are counted before that reads them."""

import io
import struct
import zipfile
from dataclasses import replace

import pytest

from models.reading.archive import FOLDERS, open_archive
from models.reading.archive_end import find_directory, has_more_entries
from models.reading.errors import BadData

END = struct.Struct("<4s4H2LH")


def zipped(names: list[str], comment: bytes = b"") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"1")
        archive.comment = comment
    return content.getvalue()


def names_in(body: bytes) -> list[str]:
    with open_archive(io.BytesIO(body), 10**6, FOLDERS) as archive:
        return archive.namelist()


@pytest.mark.parametrize("comment", [b"", b"x", b"made by hand", bytes(range(256)) * 255, b"\0" * 65535])
def test_an_archive_may_have_a_comment(comment: bytes) -> None:
    body = zipped(["a/1.png", "b/2.png"], comment)
    assert names_in(body) == ["a/1.png", "b/2.png"]
    found = find_directory(io.BytesIO(body))
    assert found is not None
    assert (body[found.start :][:4], found.entries) == (b"PK\x01\x02", 2)


def test_a_comment_that_ends_as_an_archive_is_taken_for_its_end_as_zipfile_does() -> None:
    inner = END.pack(b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    body = zipped(["a/1.png"], b"looks like " + inner)
    assert zipfile.ZipFile(io.BytesIO(body)).namelist() == names_in(body) == []


@pytest.mark.parametrize(
    "body",
    [
        zipped(["a/1.png"]) + b"more",
        zipped(["a/1.png"], b"comment") + b"\0",
        zipped(["a/1.png"], b"long")[:-1],
    ],
)
def test_nothing_but_a_comment_follows_the_end(body: bytes) -> None:
    with pytest.raises(BadData, match="does not end as one"):
        names_in(body)


def crowded(count: int, told: int, *, longer: bool = False) -> bytes:
    """An archive of nothing but a directory, which tells of ``told`` entries and has ``count``.

    They are of a version of the format that ``zipfile`` refuses, should it come to read them.
    """
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 99, 99, *[0] * 4, *[0] * 3, 1, *[0] * 4, 0, 0) + b"a"
    entries, size = entry * count, len(entry) * count
    if not longer:
        return entries + END.pack(b"PK\x05\x06", 0, 0, told, told, size, 0, 0)
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, told, told, size, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, size, 1)
    end = END.pack(b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return entries + record + locator + end


@pytest.mark.parametrize("longer", [False, True])
@pytest.mark.parametrize("told", [1, 6, 60_000])
def test_entries_are_counted_before_zipfile_reads_them(told: int, longer: bool) -> None:
    few = replace(FOLDERS, members=5)
    with (
        pytest.raises(BadData, match="too many files; at most 5"),
        open_archive(io.BytesIO(crowded(6, told, longer=longer)), 10**6, few),
    ):
        pass
    with (
        pytest.raises(BadData, match="directory cannot be read"),
        open_archive(io.BytesIO(crowded(5, 5, longer=longer)), 10**6, few),
    ):
        pass


@pytest.mark.parametrize("longer", [False, True])
def test_so_many_as_may_be_are_no_more_than_that(longer: bool) -> None:
    file = io.BytesIO(crowded(5, 5, longer=longer))
    found = find_directory(file)
    assert (found and found.start, found and found.entries) == (0, 5)
    assert found is not None
    assert not has_more_entries(file, found, 5)
    assert has_more_entries(file, found, 4)
