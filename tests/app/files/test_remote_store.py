"""The same store at addresses of three kinds: a bucket, a shared folder, and memory."""

import hashlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.files.cache import SPARED_SECONDS
from app.files.depot import RENEWED_SECONDS, Depot
from app.files.remote import KNOWN_SECONDS, RemoteStore
from app.storage import Away, Damaged, Missing, UnusableAddress

CONTENT = b"a network"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAME = f"objects/{DIGEST[:2]}/{DIGEST}"
PLENTY = 2**30

Make = Callable[..., RemoteStore]


@pytest.fixture(params=["s3", "file", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "s3":
            return f"{request.getfixturevalue('s3_address')}/below/here"
        case "file":
            return f"file://{tmp_path / 'shared'}"
    return f"memory://{secrets.token_hex(4)}/here"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make the store of one machine."""

    def machine(address: str, name: str = "one", cache_bytes: int = PLENTY) -> RemoteStore:
        store = RemoteStore(tmp_path / name, address, cache_bytes)
        store.prepare()
        return store

    return machine


@pytest.fixture
def one(make: Make, address: str) -> RemoteStore:
    return make(address)


@pytest.fixture
def other(make: Make, address: str) -> RemoteStore:
    return make(address, "other")


def adopt(store: RemoteStore, content: bytes = CONTENT) -> str:
    source = store.staging / "source"
    source.write_bytes(content)
    stored = store.adopt(source)
    assert (stored.bytes, source.exists()) == (len(content), False)
    return stored.sha256


def put(store: RemoteStore, name: str, content: bytes) -> None:
    source = store.staging / "put"
    source.write_bytes(content)
    store.depot.replace(source, name)


def test_what_one_machine_adopts_another_fetches(one: RemoteStore, other: RemoteStore) -> None:
    assert adopt(one) == DIGEST
    path = other.fetch(DIGEST)
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o400
    assert list(other.staging.iterdir()) == []


def test_what_was_fetched_is_not_fetched_again(one: RemoteStore, other: RemoteStore) -> None:
    adopt(one)
    other.fetch(DIGEST)
    other.depot.remove(NAME)
    assert [store.fetch(DIGEST).read_bytes() for store in (one, other)] == [CONTENT, CONTENT]


def test_a_file_that_is_missing_is_told_of(one: RemoteStore) -> None:
    with pytest.raises(Missing, match=f"{DIGEST} is missing"):
        one.fetch(DIGEST)


def test_a_file_of_another_content_is_not_taken(one: RemoteStore) -> None:
    put(one, NAME, b"a netw?rk")
    with pytest.raises(Damaged, match=f"{DIGEST} is damaged"):
        one.fetch(DIGEST)
    assert [*one.staging.glob("arriving*"), *one.cache.folder.iterdir()] == []


def test_the_same_content_mends_a_torn_file(one: RemoteStore, other: RemoteStore) -> None:
    put(one, NAME, CONTENT[:3])
    adopt(one)
    assert other.fetch(DIGEST).read_bytes() == CONTENT


def test_a_whole_file_is_left_but_an_old_one_is_written_anew(
    one: RemoteStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not address.startswith("s3"):
        pytest.skip("only S3 refuses to write over a file")
    adopt(one)
    # As long as the content, so that only its reading would tell.
    put(one, NAME, b"a netw?rk")
    adopt(one)
    one.cache.forget(DIGEST)
    with pytest.raises(Damaged):
        one.fetch(DIGEST)
    monkeypatch.setattr("app.files.depot.RENEWED_SECONDS", -RENEWED_SECONDS)
    adopt(one)
    one.cache.forget(DIGEST)
    assert one.fetch(DIGEST).read_bytes() == CONTENT


def test_a_file_of_many_pieces_arrives_whole(
    one: RemoteStore, other: RemoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(11 * 1024**2)
    for store in (one, other):
        if store.depot._pieces:
            store.depot._pieces = {"chunksize": 5 * 1024**2, "max_concurrency": 2}
    digest = adopt(one, content)
    assert other.fetch(digest).read_bytes() == content
    # Written once more, it is there already.
    assert adopt(one, content) == digest


def test_files_are_listed_and_removed_by_folder(one: RemoteStore) -> None:
    for name in ("checkpoints/a/1/x", "checkpoints/a/2/deep/y", "checkpoints/b/1/x"):
        put(one, name, b"123")
    depot = one.depot
    assert sorted(depot.folders("checkpoints")) == ["a", "b"]
    assert sorted(entry.name for entry in depot.find("checkpoints/a")) == [
        "checkpoints/a/1/x",
        "checkpoints/a/2/deep/y",
    ]
    (entry,) = depot.find("checkpoints/b")
    assert entry.bytes == 3
    assert entry.age is not None
    assert -5 < entry.age < 60
    depot.remove_all("checkpoints/a")
    depot.remove("checkpoints/b/1/x")
    depot.remove("checkpoints/b/1/x")
    depot.remove_all("checkpoints/a")
    assert list(depot.find("checkpoints")) == []
    assert list(depot.find("nowhere")) == depot.folders("nowhere") == []


def test_a_depot_that_can_be_used_passes_its_check(one: RemoteStore) -> None:
    one.check()
    assert one.trouble() is None
    assert list(one.staging.iterdir()) == []


def test_a_depot_that_was_emptied_is_trouble(one: RemoteStore) -> None:
    one.check()
    one.depot.remove("keraforge")
    assert "emptied" in (one.trouble() or "")


def test_what_an_order_has_been_given_stays_until_its_folder_goes(make: Make, address: str) -> None:
    adopt(make(address, "another"))
    small = make(address, "small", cache_bytes=0)
    place = small.place(DIGEST, small.root / "order")
    small.provide(place)
    small.provide(place)
    small.cache.forget(DIGEST)
    assert place.read_bytes() == CONTENT


def test_the_least_used_files_make_room_but_none_that_was_just_used(one: RemoteStore, make: Make) -> None:
    small = make(one.depot.shown, "small", cache_bytes=250) if one.depot._is_folder else None
    if small is None:
        pytest.skip("the cache is the same whatever the address")
    digests = [adopt(one, bytes([number]) * 100) for number in range(4)]
    for age, digest in enumerate(digests[:3]):
        path = small.fetch(digest)
        used = path.stat().st_mtime - 2 * SPARED_SECONDS - age
        os.utime(path, (used, used))
    # The third is the least used, until it is used again.
    small.fetch(digests[2])
    small.fetch(digests[3])
    assert {path.name for path in small.cache.folder.iterdir()} == {digests[2], digests[3]}
    small.fetch(digests[0])
    assert {path.name for path in small.cache.folder.iterdir()} == {digests[0], digests[2], digests[3]}


def test_a_file_that_was_damaged_here_is_fetched_again(one: RemoteStore, other: RemoteStore) -> None:
    adopt(one)
    path = other.fetch(DIGEST)
    path.chmod(0o600)
    path.write_bytes(b"a netw?rk")
    other.forget(DIGEST)
    assert other.fetch(DIGEST).read_bytes() == CONTENT


def test_all_that_is_kept_is_listed_and_only_what_is_old_is_discarded(one: RemoteStore) -> None:
    adopt(one)
    put(one, "objects/ab/another-name", b"x")
    put(one, "checkpoints/a/1/x", b"x")
    (kept,) = one.listed()
    assert (kept.sha256, kept.bytes) == (DIGEST, len(CONTENT))
    assert abs(kept.written_at - time.time()) < 60
    assert not one.discard(DIGEST, before=time.time() - 60)
    assert one.fetch(DIGEST).read_bytes() == CONTENT
    assert one.discard(DIGEST, before=time.time() + 60)
    assert not one.discard(DIGEST, before=time.time() + 60)
    with pytest.raises(Missing):
        one.fetch(DIGEST)


@pytest.fixture
def gone(s3_address: str, s3_server: Any) -> Iterator[str]:
    """The address of a bucket whose server was ended, until the test does."""
    s3_server.kill()
    yield s3_address
    s3_server.start()


def test_a_server_that_is_gone_is_away_and_nothing_is_lost(
    gone: str, make: Make, s3_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(gone)
    source = store.staging / "source"
    source.write_bytes(CONTENT)
    for ask in (lambda: store.adopt(source), lambda: store.fetch(DIGEST), store.check):
        with pytest.raises(Away, match=r"s3://bucket-\w+ cannot be used now"):
            ask()
    assert "Could not connect" in (store.trouble() or "")
    s3_server.start()
    assert source.read_bytes() == CONTENT
    # What was found out a moment ago is believed.
    monkeypatch.setattr("app.files.remote.KNOWN_SECONDS", 3600.0)
    with pytest.raises(Away):
        store.adopt(source)
    monkeypatch.setattr("app.files.remote.KNOWN_SECONDS", 0.0)
    store.adopt(source)
    store.check()
    assert store.trouble() is None


def test_a_server_that_stops_answering_is_away(
    s3_address: str, s3_server: Any, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(s3_address)
    source = store.staging / "source"
    source.write_bytes(CONTENT)
    with monkeypatch.context() as patch, s3_server.stalled():
        patch.setattr("app.files.depot.REQUEST_SECONDS", 0.5)
        with pytest.raises(Away):
            store.adopt(source)
    store._looked -= KNOWN_SECONDS
    store.adopt(source)


def test_wrong_keys_are_refused_and_not_told(
    s3_address: str, make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a wrong secret")
    caplog.set_level(logging.DEBUG)
    store = make(s3_address)
    with pytest.raises(Away) as refused:
        store.check()
    assert "cannot be used" in str(refused.value)
    assert "a wrong secret" not in caplog.text + str(refused.value)
    assert "Authorization" not in caplog.text


@pytest.mark.parametrize(
    ("url", "why"),
    [("nonsense://bucket", "Protocol not known"), ("gs://bucket", "gcsfs")],
)
def test_an_address_of_no_known_kind_is_refused(url: str, why: str) -> None:
    with pytest.raises(UnusableAddress, match=why):
        Depot(url)


def test_an_address_is_shown_without_its_password() -> None:
    depot = Depot("memory://me:hidden@host/folder?token=hidden")
    assert depot.shown == "memory://host/folder"
