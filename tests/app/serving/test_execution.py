import asyncio
import gc
import threading
import weakref
from contextlib import ExitStack, suppress

import pytest

from app.errors import Unavailable
from app.serving.execution import INLINE_SECONDS, PLACES, Execution

pytestmark = pytest.mark.anyio


@pytest.fixture
def execution():
    execution = Execution(workers=1, limit=2)
    yield execution
    execution.close()


async def thread_of(execution, seconds):
    return await execution.run(threading.get_ident, seconds)


async def test_short_work_runs_at_once_and_long_work_in_a_thread(execution):
    here = threading.get_ident()
    assert await thread_of(execution, INLINE_SECONDS / 2) == here
    assert await thread_of(execution, INLINE_SECONDS) != here
    assert await thread_of(execution, None) != here


async def test_a_full_queue_refuses_and_says_when_to_come_back(execution):
    gate = threading.Event()
    busy = [asyncio.create_task(execution.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="2 predictions are waiting") as refusal:
        await execution.run(gate.wait)
    assert refusal.value.headers == {"Retry-After": "1"}
    assert refusal.value.code == "overloaded"
    gate.set()
    await asyncio.gather(*busy)
    assert await execution.run(lambda: "room again") == "room again"


class Document:
    """Something large that a body was made into."""


async def test_what_was_refused_is_freed_without_a_garbage_collection(execution):
    kept = []

    def refuse():
        document = Document()
        kept.append(weakref.ref(document))
        raise ValueError

    gc.disable()
    try:
        with suppress(ValueError):
            await execution.run(refuse)
        # The thread lets go of its work after it has told the result.
        async with asyncio.timeout(30):
            while kept[0]() is not None:
                await asyncio.sleep(0.01)
    finally:
        gc.enable()


async def test_what_nobody_waits_for_any_more_is_not_begun():
    execution = Execution(workers=1, limit=3)
    gate, begun = threading.Event(), threading.Event()
    running = [asyncio.create_task(execution.run(gate.wait)) for _ in range(2)]
    waiting = asyncio.create_task(execution.run(begun.set))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*running)
    assert await execution.run(lambda: "room again") == "room again"
    assert not begun.is_set()
    execution.close()


async def test_an_abandoned_work_counts_until_it_has_ended(execution):
    gate, begun = threading.Event(), threading.Event()

    def work():
        begun.set()
        gate.wait()

    tasks = [asyncio.create_task(execution.run(work)) for _ in range(2)]
    await asyncio.to_thread(begun.wait)
    tasks[0].cancel()
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await execution.run(work)
    gate.set()
    await tasks[1]
    assert await execution.run(lambda: "room again") == "room again"


async def test_slices_do_not_keep_predictions_waiting(execution):
    gate, begun = threading.Event(), threading.Event()
    with execution.place() as place:
        slice_ = asyncio.create_task(place.run(lambda: (begun.set(), gate.wait())))
        await asyncio.to_thread(begun.wait)
        assert await execution.run(lambda: "answered") == "answered"
        gate.set()
        await slice_


async def test_slices_of_several_take_turns(execution):
    turns = []

    async def work(name):
        with execution.place() as place:
            for _ in range(3):
                await place.run(lambda: turns.append(name))

    await asyncio.gather(work("a"), work("b"))
    assert turns == ["a", "b"] * 3


async def test_places_are_bounded_and_given_back(execution):
    with ExitStack() as taken:
        for _ in range(PLACES):
            taken.enter_context(execution.place())
        with pytest.raises(Unavailable, match="64 texts are being written") as refusal, execution.place():
            pass
        assert refusal.value.code == "overloaded"
        # Predictions have places of their own.
        assert await execution.run(lambda: "answered") == "answered"
    with execution.place() as place:
        assert await place.run(lambda: "room again") == "room again"
