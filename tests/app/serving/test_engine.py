import asyncio
import contextlib
import gc
import threading
import time
import weakref

import numpy as np
import pytest

from app.errors import Conflict, NotFound, Unavailable
from app.serving.cache import State
from app.serving.engine import REFRESH_SECONDS, Engine
from app.serving.memory import resident
from app.serving.snapshot import Target
from app.tables import ModelVersion
from app.tables.base import now

pytestmark = pytest.mark.anyio

CHAMPION = Target("local", "digits")
ROWS = np.random.default_rng(5).uniform(0, 16, (3, 8, 8, 1)).astype(np.float32)


@contextlib.contextmanager
def running(registry, settings):
    engine = Engine(registry.database, registry.store, settings)
    engine.start()
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture
def engine(registry, settings):
    with running(registry, settings) as engine:
        yield engine


async def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.01)


def answering(engine, target=CHAMPION):
    version = engine.lookup(target)
    return version.number if version else None


async def test_a_version_published_a_moment_ago_is_served_at_once(registry, engine):
    await until(lambda: engine.ready)
    version = registry.publish()
    loaded = await engine.obtain(CHAMPION)
    assert loaded.id == version.id
    expected = registry.graphs[version.id].answer(ROWS)
    np.testing.assert_allclose(
        loaded.roles["predict"].run({"image": ROWS})["probabilities"], expected, atol=1e-6
    )


async def test_a_champion_is_in_memory_before_anybody_asks(registry, settings):
    registry.publish()
    with running(registry, settings) as engine:
        await until(lambda: answering(engine) == 1)


async def test_versions_and_aliases_are_obtained_by_name(registry, engine):
    first, second = registry.publish(), registry.publish(alias=None)
    registry.point("candidate", second)
    assert (await engine.obtain(Target("local", "digits", 1))).id == first.id
    assert (await engine.obtain(Target("local", "digits", 2))).id == second.id
    assert (await engine.obtain(Target("local", "digits", "candidate"))).id == second.id
    assert (await engine.obtain(CHAMPION)).id == first.id


async def test_unknown_names_are_refused_with_what_there_is(registry, engine):
    registry.publish()
    for target, code in [
        (Target("local", "letters"), "model_not_found"),
        (Target("other", "digits"), "model_not_found"),
        (Target("local", "digits", 2), "version_not_found"),
        (Target("local", "digits", "candidate"), "alias_not_found"),
    ]:
        with pytest.raises(NotFound) as refusal:
            await engine.obtain(target)
        assert refusal.value.code == code


async def test_a_moved_alias_soon_answers_anew_in_every_engine(registry, settings):
    first = registry.publish()
    with running(registry, settings) as one, running(registry, settings) as other:
        await until(lambda: answering(one) == answering(other) == 1)
        registry.publish()
        await until(lambda: answering(one) == answering(other) == 2)
        registry.point("champion", first)
        await until(lambda: answering(one) == answering(other) == 1)


async def test_no_request_fails_or_goes_astray_while_versions_are_published(registry, engine):
    registry.publish(seed=0)
    await until(lambda: answering(engine) == 1)
    failures, seen = [], set()

    def hammer():
        while 6 not in seen and not failures:
            version = engine.lookup(CHAMPION)
            if version is None:
                failures.append("no version answered")
                break
            answer = version.roles["predict"].run({"image": ROWS})["probabilities"]
            if not np.allclose(answer, registry.graphs[version.id].answer(ROWS), atol=1e-6):
                failures.append(f"version {version.number} gave the answer of another")
            if seen and version.number < max(seen):
                failures.append(f"version {version.number} answered after {max(seen)}")
            seen.add(version.number)

    # One thread: only then does "after" mean something. A daemon: a failure here must not keep it.
    thread = threading.Thread(target=hammer, daemon=True)
    thread.start()
    for seed in range(1, 6):
        number = registry.publish(seed=seed).number
        await until(lambda number=number: number in seen or failures)
    assert failures == []


def test_a_published_version_is_noticed_well_within_two_seconds():
    assert REFRESH_SECONDS <= 0.5


async def test_a_version_that_fails_its_golden_check_never_answers(registry, engine):
    registry.publish(seed=1)
    await until(lambda: answering(engine) == 1)
    golden = registry.graphs[registry.publish("other", seed=9).id].golden()
    wrong = registry.publish(seed=2, files={"golden.npz": golden})
    with pytest.raises(Unavailable, match="differs") as refusal:
        await engine.obtain(Target("local", "digits", wrong.number))
    assert refusal.value.code == "version_not_servable"
    assert int(refusal.value.headers["Retry-After"]) > 0
    assert (await engine.obtain(CHAMPION)).number == 1
    registry.publish(seed=3)
    await until(lambda: answering(engine) == 3)


async def test_many_requests_for_one_version_load_it_once(registry, engine, monkeypatch):
    loads = []
    original = engine._cache._load
    monkeypatch.setattr(engine._cache, "_load", lambda found: loads.append(found) or original(found))
    registry.publish(alias=None)
    target = Target("local", "digits", 1)
    versions = await asyncio.gather(*[engine.obtain(target) for _ in range(20)])
    assert len(set(versions)) == 1
    assert len(loads) == 1


async def test_a_deleted_version_stops_answering(registry, engine):
    version = registry.publish(alias=None)
    target = Target("local", "digits", 1)
    await engine.obtain(target)
    with registry.database.write() as session:
        session.get_one(ModelVersion, version.id).deleted_at = now()
    await until(lambda: engine.lookup(target) is None)
    with pytest.raises(NotFound):
        await engine.obtain(target)


async def test_a_replaced_version_is_let_go_when_it_is_idle(registry, engine, monkeypatch):
    registry.publish()
    await until(lambda: answering(engine) == 1)
    old = weakref.ref(engine.lookup(CHAMPION))
    monkeypatch.setattr("app.serving.engine.IDLE_SECONDS", 0.0)
    registry.publish()
    await until(lambda: answering(engine) == 2)
    await until(lambda: gc.collect() >= 0 and old() is None)
    assert (await engine.obtain(Target("local", "digits", 1))).number == 1


async def test_with_little_room_every_version_still_answers(registry, settings):
    small = settings.model_copy(update={"loaded_bytes": 1})
    for _ in range(3):
        registry.publish(alias=None)
    with running(registry, small) as engine:
        for _ in range(2):
            for number in (1, 2, 3):
                assert (await engine.obtain(Target("local", "digits", number))).number == number
        await until(lambda: engine.lookup(Target("local", "digits", 1)) is None)


async def test_without_the_database_versions_in_use_go_on_and_others_say_so(registry, engine):
    registry.publish()
    await until(lambda: answering(engine) == 1)
    with registry.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE models RENAME TO elsewhere")
    with pytest.raises(Unavailable, match="registry cannot be read"):
        await engine.obtain(Target("local", "unknown"))
    assert (await engine.obtain(CHAMPION)).number == 1
    with registry.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO models")
    with pytest.raises(NotFound):
        await engine.obtain(Target("local", "unknown"))


async def test_an_abandoned_request_harms_no_other(registry, engine, monkeypatch):
    gate, begun = threading.Event(), threading.Event()
    original = engine._cache._load

    def slow(version_id):
        begun.set()
        gate.wait()
        return original(version_id)

    monkeypatch.setattr(engine._cache, "_load", slow)
    registry.publish(alias=None)
    target = Target("local", "digits", 1)
    leaving, staying = (asyncio.create_task(engine.obtain(target)) for _ in range(2))
    await asyncio.to_thread(begun.wait)
    leaving.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert (await staying).number == 1


async def test_a_version_that_was_unloaded_answers_whoever_asks_again(registry, engine):
    first, _ = registry.publish(), registry.publish(alias=None)
    for target in (CHAMPION, CHAMPION._replace(which=2)):
        await engine.obtain(target)
        assert engine.state(target) == State("READY")
    await engine.unload(CHAMPION._replace(which=2))
    assert engine.state(CHAMPION._replace(which=2)) == State("UNAVAILABLE", "it is not in memory")
    assert engine.lookup(CHAMPION) is not None
    await engine.obtain(CHAMPION._replace(which=2))
    # A model as such means all of its versions.
    await engine.unload(CHAMPION)
    for target in (CHAMPION, CHAMPION._replace(which=2)):
        assert engine.lookup(target) is None
    assert (await engine.obtain(CHAMPION)).id == first.id
    with pytest.raises(NotFound):
        await engine.unload(Target("local", "letters"))
    with pytest.raises(NotFound):
        engine.state(Target("local", "letters"))


async def test_a_version_that_was_loaded_to_stay_stays(registry, engine, monkeypatch):
    for _ in range(2):
        registry.publish(alias=None)
    first, second = (CHAMPION._replace(which=number) for number in (1, 2))
    assert (await engine.load(first)).number == 1
    await engine.obtain(second)
    monkeypatch.setattr("app.serving.engine.IDLE_SECONDS", 0.0)
    await until(lambda: engine.lookup(second) is None)
    assert engine.state(first) == State("READY")
    with pytest.raises(NotFound):
        await engine.load(Target("local", "letters"))


async def test_what_is_loaded_to_stay_must_fit(registry, settings):
    registry.publish()
    with running(registry, settings.model_copy(update={"loaded_bytes": 1})) as engine:
        with pytest.raises(Conflict, match="does not fit into memory") as refusal:
            await engine.load(CHAMPION)
        assert refusal.value.code == "no_room"
        assert (await engine.obtain(CHAMPION)).number == 1


async def test_who_asks_for_a_version_that_loads_for_long_is_told_to_come_back(
    registry, settings, monkeypatch
):
    with running(registry, settings.model_copy(update={"loading_seconds": 0.05})) as engine:
        gate, original = threading.Event(), engine._cache._load
        monkeypatch.setattr(engine._cache, "_load", lambda found: gate.wait() and original(found))
        registry.publish(alias=None)
        target = CHAMPION._replace(which=1)
        with pytest.raises(Unavailable, match=r"still being loaded after 0\.05 s") as refusal:
            await engine.obtain(target)
        assert (refusal.value.code, refusal.value.headers) == ("version_loading", {"Retry-After": "1"})
        assert engine.state(target).name == "LOADING"
        loading = asyncio.create_task(engine.load(target))
        await asyncio.sleep(0)
        gate.set()
        assert (await loading).number == 1


async def test_statistics_of_a_version_outlive_its_time_in_memory(registry, engine):
    row = registry.publish()
    version = await engine.obtain(CHAMPION)
    await engine.execution.ask(version.roles["predict"], {"image": ROWS}, None, dict)
    (statistics,) = engine.statistics
    assert (statistics.owner, statistics.model, statistics.number) == ("local", "digits", 1)
    await engine.unload(CHAMPION)
    again = await engine.obtain(CHAMPION)
    assert again is not version
    assert engine.statistics.of(again) is engine.statistics.of(row) is statistics
    assert (statistics.succeeded, statistics.rows) == (1, 3)


async def test_versions_that_come_and_go_leave_no_memory_behind(registry, engine, made):
    role = made.role("predict", {"x": (512,)}, {"y": (512,)})
    role.node("MatMul", ["x", role.constant(np.eye(512, dtype=np.float32))], ["y"])
    rows = np.ones((2, 512), np.float32)
    for _ in range(2):
        registry.publish("large", alias=None, **made.artifact([role], {"predict": {"x": rows}}))
    before = 0
    for cycle in range(210):
        target = Target("local", "large", 1 + cycle % 2)
        version = await engine.load(target)
        # A graph of a MiB, of which there may be two copies.
        assert 2**20 < version.bytes < 13 * 2**20
        await engine.unload(target)
        before = before or (resident() if cycle == 10 else 0)
    assert resident() < 1.1 * before
