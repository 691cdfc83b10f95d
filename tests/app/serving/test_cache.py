import threading
import time
from types import SimpleNamespace

import pytest

from app.serving.cache import State, VersionCache
from app.serving.loaded import NotServable


class Loader:
    """Loads what it is asked for, counts, and waits at a gate."""

    def __init__(self):
        self.counts = {}
        self.gate = threading.Event()
        self.gate.set()
        self.failure = None
        self.size = 40

    def __call__(self, version_id):
        self.counts[version_id] = self.counts.get(version_id, 0) + 1
        self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return SimpleNamespace(id=version_id, bytes=self.size, used_at=time.monotonic())


@pytest.fixture
def loader():
    return Loader()


@pytest.fixture
def changes():
    return []


@pytest.fixture
def cache(loader, changes):
    cache = VersionCache(loader, 100, lambda: changes.append(None))
    yield cache
    loader.gate.set()
    cache.close()


def load(cache, *version_ids):
    return [cache.request(version_id).result(timeout=5) for version_id in version_ids]


def test_what_loads_is_there_before_anybody_asks(loader):
    before = set(threading.enumerate())
    cache = VersionCache(loader, 100, lambda: None)
    begun = set(threading.enumerate()) - before
    cache.close()
    assert [thread.name.partition("_")[0] for thread in begun] == ["loading"]


def test_however_many_ask_a_version_is_loaded_once(cache, loader):
    loader.gate.clear()
    futures = [cache.request("a") for _ in range(10)]
    loader.gate.set()
    assert len({id(future.result(timeout=5)) for future in futures}) == 1
    load(cache, "a")
    assert loader.counts == {"a": 1}


def test_a_version_is_in_memory_before_the_change_is_told(loader):
    seen = []
    cache = VersionCache(loader, 100, lambda: seen.append(cache.get("a")))
    loaded = load(cache, "a")
    cache.close()
    assert seen == loaded


def test_the_least_used_version_makes_room(cache):
    a = load(cache, "a", "b")[0]
    a.used_at = time.monotonic() + 1
    load(cache, "c")
    assert cache.get("a") is a
    assert cache.get("b") is None
    assert cache.get("c") is not None


def test_a_version_larger_than_the_room_is_served_alone(cache, loader):
    load(cache, "a", "b")
    loader.size = 1000
    load(cache, "large")
    assert [cache.get(name) is not None for name in ("a", "b", "large")] == [False, False, True]


def test_only_what_fits_and_was_not_evicted_is_welcome_unasked(cache):
    assert cache.welcomes("b")
    load(cache, "a", "b", "c")
    assert cache.welcomes("d")
    assert not cache.welcomes("a")
    load(cache, "a")
    assert cache.welcomes("a")


def test_a_version_that_failed_is_not_tried_again_at_once(cache, loader, monkeypatch):
    loader.failure = NotServable("damaged")
    for _ in range(3):
        with pytest.raises(NotServable, match="damaged"):
            load(cache, "a")
    assert loader.counts == {"a": 1}
    loader.failure = None
    monkeypatch.setattr("app.serving.cache.RETRY_SECONDS", 0)
    assert load(cache, "a")[0].id == "a"


def test_a_passing_failure_is_tried_again_at_once(cache, loader):
    loader.failure = OSError("the database is away")
    with pytest.raises(OSError, match="away"):
        load(cache, "a")
    loader.failure = None
    assert load(cache, "a")[0].id == "a"


def test_failures_change_nothing(cache, loader, changes):
    load(cache, "a")
    assert len(changes) == 1
    loader.failure = NotServable("damaged")
    with pytest.raises(NotServable):
        load(cache, "b")
    assert len(changes) == 1
    assert cache.get("a") is not None


def test_what_is_unknown_goes_at_once_and_what_is_unwanted_when_idle(cache):
    for version in load(cache, "deleted", "fresh"):
        version.used_at = time.monotonic()
    assert cache.keep(known={"fresh"}, wanted=set(), idle_seconds=60)
    assert cache.get("deleted") is None
    assert cache.get("fresh") is not None
    cache.get("fresh").used_at -= 61
    assert not cache.keep(known={"fresh"}, wanted={"fresh"}, idle_seconds=60)
    assert cache.get("fresh") is not None
    cache.keep(known={"fresh"}, wanted=set(), idle_seconds=60)
    assert cache.get("fresh") is None


def test_what_is_pinned_stays_and_what_is_favoured_goes_last(cache):
    pinned, favoured = load(cache, "pinned", "favoured")
    for version in (pinned, favoured):
        version.used_at -= 60
    assert cache.pin(pinned)
    cache.keep({"pinned", "favoured", "a", "b"}, wanted=set(), favoured={"favoured"}, idle_seconds=600)
    load(cache, "a")
    assert [cache.get(name) is not None for name in ("pinned", "favoured", "a")] == [True, False, True]
    cache.keep({"pinned", "favoured", "a", "b"}, wanted=set(), favoured={"a"}, idle_seconds=600)
    load(cache, "favoured")
    assert [cache.get(name) is not None for name in ("pinned", "favoured", "a")] == [True, True, False]


def test_an_idle_version_that_is_pinned_stays(cache):
    first, second = load(cache, "a", "b")
    for version in (first, second):
        version.used_at -= 60
    cache.pin(first)
    cache.keep({"a", "b"}, wanted=set(), idle_seconds=1)
    assert (cache.get("a") is not None, cache.get("b")) == (True, None)


def test_what_would_leave_no_room_is_not_pinned(cache):
    _, second, third = load(cache, "a", "b", "c")
    assert [cache.pin(version) for version in (second, third)] == [True, True]
    (first,) = load(cache, "a")
    assert not cache.pin(first)
    assert cache.pin(first, instead_of=["b"])
    assert not cache.pin(second)
    cache.unload(["c"])
    assert cache.pin(second)


def test_what_was_unloaded_while_it_was_being_pinned_is_in_memory_again(cache, changes):
    (version,) = load(cache, "a")
    cache.unload(["a"])
    changes.clear()
    assert cache.pin(version)
    assert cache.get("a") is version
    assert changes == [None]
    assert cache.welcomes("a")


def test_who_waits_for_a_version_gets_it_though_it_is_unloaded_meanwhile_and_nobody_else(cache, loader):
    loader.gate.clear()
    future = cache.request("a")
    cache.unload(["a"])
    loader.gate.set()
    assert future.result(timeout=5).id == "a"
    assert cache.state("a") == State("UNAVAILABLE", "it is not in memory")
    assert not cache.welcomes("a")


def test_who_asks_for_a_version_after_it_was_unloaded_has_it_kept(cache, loader):
    loader.gate.clear()
    futures = [cache.request("a")]
    cache.unload(["a"])
    futures.append(cache.request("a"))
    loader.gate.set()
    assert futures[0].result(timeout=5) is futures[1].result(timeout=5)
    assert cache.state("a") == State("READY")


def test_an_unloaded_version_stays_away_until_it_is_asked_for(cache, loader):
    (version,) = load(cache, "a")
    cache.pin(version)
    cache.unload(["a"])
    assert cache.get("a") is None
    assert not cache.welcomes("a")
    assert cache.state("a") == State("UNAVAILABLE", "it is not in memory")
    load(cache, "a")
    assert cache.state("a") == State("READY")
    cache.keep({"a"}, wanted=set(), idle_seconds=-1)
    assert cache.get("a") is None, "it was pinned no more"


def test_a_state_says_why_a_version_does_not_answer(cache, loader):
    loader.gate.clear()
    future = cache.request("a")
    assert cache.state("a") == State("LOADING", "it is being loaded")
    loader.failure = NotServable("damaged")
    loader.gate.set()
    with pytest.raises(NotServable):
        future.result(timeout=5)
    assert cache.state("a") == State("UNAVAILABLE", "damaged")
    loader.failure = None
    assert cache.request("a", anew=True).result(timeout=5).id == "a"
