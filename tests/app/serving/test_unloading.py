import asyncio
import threading
import time

import numpy as np
import pytest

from app.errors import Conflict, NotFound, Unavailable
from app.serving.cache import State
from app.serving.memory import resident
from app.serving.snapshot import Target

pytestmark = pytest.mark.anyio

CHAMPION = Target("local", "digits")
ROWS = np.ones((3, 8, 8, 1), np.float32)


async def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.01)


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


async def test_what_is_loaded_to_stay_must_fit(registry, running, settings):
    registry.publish()
    with running(settings.model_copy(update={"loaded_bytes": 1})) as engine:
        with pytest.raises(Conflict, match="does not fit into memory") as refusal:
            await engine.load(CHAMPION)
        assert refusal.value.code == "no_room"
        assert (await engine.obtain(CHAMPION)).number == 1


async def test_who_asks_for_a_version_that_loads_for_long_is_told_to_come_back(
    registry, running, settings, monkeypatch
):
    with running(settings.model_copy(update={"loading_seconds": 0.05})) as engine:
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
