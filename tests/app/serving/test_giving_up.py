import asyncio
import contextlib
import gc
import time
import weakref

import numpy as np
import pytest
from gated import asked, busy, rows, until

from app.errors import TimedOut, TooMany

pytestmark = pytest.mark.anyio


async def test_what_nobody_waits_for_any_more_is_never_run(start, affine):
    execution = start(request_seconds=1.0)
    first = await busy(execution, affine)
    cancelled = await asked(execution, affine, rows(2))

    class Left(Exception):
        pass

    leaves = asyncio.Event()

    async def left():
        await leaves.wait()
        raise Left

    abandoned = await asked(execution, affine, rows(3), left=left)
    hasty = await asked(execution, affine, rows(4), seconds=0.01)
    patient = await asked(execution, affine, rows(5), seconds=1000)
    cancelled.cancel()
    leaves.set()
    with pytest.raises(Left):
        await abandoned
    with pytest.raises(TimedOut, match=r"within 0\.01 s, which is the limit"):
        await hasty
    with pytest.raises(TimedOut, match=r"within 1 s, which is the limit"):
        await patient
    last = await asked(execution, affine, rows(6), seconds=None)
    affine.gate.set()
    assert len((await last)["y"]) == 6
    with pytest.raises(TimedOut):
        await first
    assert affine.ran == [1, 6]
    assert affine.statistics.failures == {"failed": 0, "rejected": 0, "expired": 3, "cancelled": 2}
    assert affine.statistics.pending == 0


async def test_who_is_cancelled_while_the_answer_is_on_its_way_costs_others_nothing(start, affine):
    execution = start()
    first = await busy(execution, affine)
    going, staying = [await asked(execution, affine, rows(1)) for _ in range(2)]
    loop, raised = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: raised.append(context))
    affine.gate.set()
    # The loop stands still until the answers wait for it, behind the cancellation.
    while execution._batching._queues[affine]._workers:
        time.sleep(0.001)
    going.cancel()
    assert len((await staying)["y"]) == 1
    with pytest.raises(asyncio.CancelledError):
        await going
    await first
    assert raised == []


async def test_a_queue_that_is_too_long_refuses_and_says_which_limit_it_has(start, affine):
    execution = start(queue_seconds=1.0)
    affine.row_seconds = 0.4
    first = await busy(execution, affine)
    tasks = [await asked(execution, affine, rows(2, place)) for place in range(2)]
    with pytest.raises(TooMany, match=r"About 1\.6 s of work wait .* and 1 s is the limit") as refusal:
        await execution.ask(affine, rows(1), ["y"], dict)
    assert refusal.value.headers == {"Retry-After": "2"}
    assert affine.statistics.failures["rejected"] == 1
    affine.gate.set()
    await asyncio.gather(first, *tasks)
    assert len((await execution.ask(affine, rows(1), ["y"], dict))["y"]) == 1


async def test_a_queue_of_those_who_have_left_refuses_nobody(start, affine):
    execution = start(queue_seconds=1.0)
    affine.row_seconds = 0.4
    first = await busy(execution, affine)
    waiting = await asked(execution, affine, rows(100))
    with pytest.raises(TooMany):
        await execution.ask(affine, rows(1), ["y"], dict)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    last = await asked(execution, affine, rows(2))
    affine.gate.set()
    assert len((await last)["y"]) == 2
    await first
    assert affine.ran == [1, 2]
    assert execution._batching._queues[affine].ahead() == 0


async def test_nobody_waits_for_an_execution_that_was_closed(start, affine):
    execution = start()
    first = await busy(execution, affine)
    waiting = await asked(execution, affine, rows(1))
    closing = asyncio.create_task(asyncio.to_thread(execution.close))
    await until(lambda: execution._pool._shutdown)
    affine.gate.set()
    await closing
    assert len((await first)["y"]) == 1
    with pytest.raises(asyncio.CancelledError):
        await waiting


class Document:
    """Something large that a body was made into."""


class Documents(dict, Document):
    """Inputs that can be watched."""


async def test_what_was_refused_is_freed_without_a_garbage_collection(start, affine, chosen):
    execution, kept = start(), []

    def refuse(_):
        document = Document()
        kept.append(weakref.ref(document))
        raise ValueError

    def wrong():
        document = Documents(number=np.array([99], np.int32))
        kept.append(weakref.ref(document))
        return document

    gc.disable()
    try:
        with contextlib.suppress(ValueError):
            await execution.ask(affine, rows(1), ["y"], refuse)
        with contextlib.suppress(Exception):
            await execution.ask(chosen, wrong(), None, dict)
        await until(lambda: not any(each() for each in kept))
    finally:
        gc.enable()
    assert len(kept) == 2
