import fcntl
import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from app.storage import ABANDONED_SECONDS, Store, file_digest

CONTENT = b"a network"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.prepare()
    return store


def adopt(store: Store, folder: Path, digest: str | None = None) -> Path:
    source = folder / "source"
    source.write_bytes(CONTENT)
    stored = store.adopt(source, digest)
    assert (stored.sha256, stored.bytes) == (DIGEST, len(CONTENT))
    assert not source.exists()
    return store.path(DIGEST)


@pytest.mark.parametrize("digest", [None, DIGEST])
def test_a_file_is_found_by_its_digest(store: Store, tmp_path: Path, digest: str | None) -> None:
    target = adopt(store, tmp_path, digest)
    assert target.read_bytes() == CONTENT
    assert file_digest(target) == DIGEST


def test_only_the_owner_can_read_and_nobody_can_write(store: Store, tmp_path: Path) -> None:
    target = adopt(store, tmp_path)
    assert target.stat().st_mode & 0o777 == 0o400
    assert [folder.stat().st_mode & 0o777 for folder in (target.parent, store.objects)] == [0o700, 0o700]


def test_the_same_content_is_kept_once(store: Store, tmp_path: Path) -> None:
    adopt(store, tmp_path)
    adopt(store, tmp_path)
    assert [path.name for path in store.objects.rglob("*") if path.is_file()] == [DIGEST]


def test_the_same_content_mends_a_file_that_was_damaged(store: Store, tmp_path: Path) -> None:
    target = adopt(store, tmp_path)
    target.chmod(0o600)
    target.write_bytes(b"a netw?rk")
    assert adopt(store, tmp_path).read_bytes() == CONTENT


def test_who_reads_a_file_meanwhile_reads_on(store: Store, tmp_path: Path) -> None:
    with adopt(store, tmp_path).open("rb") as reading:
        assert reading.read(2) == CONTENT[:2]
        adopt(store, tmp_path)
        assert reading.read() == CONTENT[2:]


def test_what_was_left_behind_is_removed_and_what_still_arrives_is_not(store: Store) -> None:
    for name, age in {"abandoned": ABANDONED_SECONDS + 60, "arriving": ABANDONED_SECONDS - 60}.items():
        path = store.staging / name
        path.touch()
        os.utime(path, (0, time.time() - age))
    (store.staging / "folder").mkdir()
    os.utime(store.staging / "folder", (0, 0))
    store.sweep()
    assert sorted(path.name for path in store.staging.iterdir()) == ["arriving", "folder"]


def test_a_file_is_as_young_as_when_it_was_added_last(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    os.utime(source, (0, 0))
    store.adopt(source)
    [kept] = store.listed()
    assert (kept.sha256, kept.bytes) == (DIGEST, len(CONTENT))
    assert kept.written_at > time.time() - 60
    assert not store.discard(DIGEST, time.time() - 60)
    assert store.discard(DIGEST, time.time() + 60)
    assert list(store.listed()) == []


def test_nobody_adds_a_file_while_another_discards_it(store: Store, tmp_path: Path) -> None:
    adding = threading.Thread(target=adopt, args=(store, tmp_path))
    with (store.root / "objects.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        adding.start()
        adding.join(0.3)
        assert adding.is_alive()
        assert list(store.listed()) == []
    adding.join(30)
    assert len(list(store.listed())) == 1
