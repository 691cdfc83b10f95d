import asyncio
import gc
import threading
import time
import weakref

import numpy as np
import pytest

from app.errors import NotFound, Unavailable
from app.serving.engine import REFRESH_SECONDS
from app.serving.snapshot import Target
from app.tables import ModelVersion
from app.tables.base import now

pytestmark = pytest.mark.anyio

CHAMPION = Target("local", "digits")
ROWS = np.random.default_rng(5).uniform(0, 16, (3, 8, 8, 1)).astype(np.float32)


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


async def test_a_champion_is_in_memory_before_anybody_asks(registry, running, settings):
    registry.publish()
    with running(settings) as engine:
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


async def test_a_moved_alias_soon_answers_anew_in_every_engine(registry, running, settings):
    first = registry.publish()
    with running(settings) as one, running(settings) as other:
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


async def test_with_little_room_every_version_still_answers(registry, running, settings):
    small = settings.model_copy(update={"loaded_bytes": 1})
    for _ in range(3):
        registry.publish(alias=None)
    with running(small) as engine:
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


async def test_whatever_goes_wrong_with_a_new_version_the_registry_is_followed(registry, engine, caplog):
    registry.publish()
    await until(lambda: answering(engine) == 1)
    engine._cache.close()
    registry.publish()
    await until(lambda: "cannot schedule" in caplog.text)
    assert Target("local", "digits", 2) in await engine.targets("local")


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
