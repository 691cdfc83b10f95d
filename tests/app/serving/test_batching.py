import asyncio
import threading

import numpy as np
import pytest
from gated import Gated, asked, busy, rows

from app.serving.execution import INLINE_SECONDS
from app.serving.role import LoadedRole

pytestmark = pytest.mark.anyio


async def test_who_comes_first_runs_alone_and_who_comes_meanwhile_together(start, affine):
    execution = start()
    first = await busy(execution, affine)
    tasks = [await asked(execution, affine, rows(count, count)) for count in (2, 1, 5)]
    affine.gate.set()
    for count, answer in zip((2, 1, 5), await asyncio.gather(*tasks), strict=True):
        np.testing.assert_array_equal(answer["y"], 2 * rows(count, count)["x"])
    await first
    assert affine.ran == [1, 8]
    assert affine.statistics.batch_rows.counts[:4] == [1, 0, 0, 1]
    assert (affine.statistics.succeeded, affine.statistics.rows, affine.statistics.executions) == (4, 9, 2)


async def test_a_quick_role_runs_at_once_unless_it_must_not(start, affine):
    execution = start()
    affine.row_seconds = INLINE_SECONDS / 2
    threads = []
    for options in ({}, {"away": True}):
        await execution.ask(
            affine, rows(1), ["y"], lambda _: threads.append(threading.get_ident()), **options
        )
    await execution.ask(affine, rows(2), ["y"], lambda _: threads.append(threading.get_ident()))
    assert [thread == threading.get_ident() for thread in threads] == [True, False, False]
    affine.statistics.settle()
    assert affine.statistics.executions == affine.statistics.succeeded == 3


async def test_questions_for_different_outputs_do_not_share_a_batch(start, affine):
    execution = start()
    first = await busy(execution, affine)
    names = [["y"], ["z"], ["y"], ["y", "z"], ["z"]]
    tasks = [await asked(execution, affine, rows(2, place), each) for place, each in enumerate(names)]
    affine.gate.set()
    for place, answer in enumerate(await asyncio.gather(*tasks)):
        assert list(answer) == names[place]
        expected = {"y": 2 * rows(2, place)["x"], "z": rows(2, place)["x"] + 1}
        for name, values in answer.items():
            np.testing.assert_array_equal(values, expected[name])
    await first
    assert affine.ran == [1, 4, 4, 2]


async def test_what_is_too_large_runs_in_pieces_and_lets_others_in_between(start, affine):
    execution = start()
    first = await busy(execution, affine)
    large, small = [await asked(execution, affine, rows(count, count)) for count in (70, 3)]
    ended = []
    for name, task in (("large", large), ("small", small)):
        task.add_done_callback(lambda _, name=name: ended.append(name))
    affine.gate.set()
    for count, task in ((70, large), (3, small)):
        np.testing.assert_array_equal((await task)["y"], 2 * rows(count, count)["x"])
    await first
    assert affine.ran == [1, 32, 32, 9]
    assert ended == ["small", "large"]


async def test_only_the_question_that_a_batch_fails_for_is_told(start, chosen):
    execution = start()
    first = await busy(execution, chosen, {"number": np.array([1], np.int32)})
    numbers = [[3], [2, 11], [4, 5], [9]]
    tasks = [await asked(execution, chosen, {"number": np.array(each, np.int32)}, None) for each in numbers]
    chosen.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers.pop(1), Exception)
    assert [answer["square"].tolist() for answer in answers] == [[9], [16, 25], [81]]
    await first
    assert chosen.ran == [1, 6, 1, 2, 2, 1]
    assert chosen.statistics.failures["failed"] == 1
    assert chosen.statistics.succeeded == 4


async def test_an_answer_that_cannot_be_written_harms_no_other(start, affine):
    execution = start()
    first = await busy(execution, affine)

    def refuse(_):
        raise ValueError("not that")

    wrong = asyncio.create_task(execution.ask(affine, rows(1), ["y"], refuse))
    right = await asked(execution, affine, rows(1))
    affine.gate.set()
    with pytest.raises(ValueError, match="not that"):
        await wrong
    await right
    await first
    assert affine.ran == [1, 2]


async def test_a_slow_role_leaves_others_a_thread(start, affine, chosen):
    execution = start()
    first = await busy(execution, affine)
    waiting = [await asked(execution, affine, rows(1)) for _ in range(10)]
    answer = await execution.ask(chosen, {"number": np.array([7], np.int32)}, None, dict)
    assert answer["square"] == [49]
    assert not first.done()
    affine.gate.set()
    await asyncio.gather(first, *waiting)


async def test_a_batch_is_no_longer_than_the_time_of_others_allows(start, affine, monkeypatch):
    monkeypatch.setattr("app.serving.waiting.LONGEST_SECONDS", 1e-9)
    execution = start()
    first = await busy(execution, affine)
    tasks = [await asked(execution, affine, rows(1, place)) for place in range(9)]
    affine.gate.set()
    await asyncio.gather(first, *tasks)
    assert affine.ran == [1, 4, 4, 1]


async def test_many_questions_at_once_are_answered_as_one_by_one(start, affine, chosen, made):
    rng = np.random.default_rng(11)
    weights = rng.normal(size=(4, 3)).astype(np.float32)
    dense = made.role("encode", {"x": (4,)}, {"codes": (3,)})
    dense.node("MatMul", ["x", dense.constant(weights)], ["codes"])
    roles = [affine, chosen, Gated(dense)]
    execution = start()

    def random_question():
        role, count = roles[rng.integers(3)], int(rng.choice([1, 1, 1, 2, 3, 7, 31, 32, 33, 90]))
        if role is chosen:
            return role, {"number": rng.integers(0, 10, count).astype(np.int32)}, None
        names = [["y"], ["z"], ["z", "y"]][rng.integers(3)] if role is affine else None
        return role, {"x": rng.normal(size=(count, 4)).astype(np.float32)}, names

    questions = [random_question() for _ in range(300)]
    away = rng.integers(2, size=len(questions)).astype(bool).tolist()
    answers = await asyncio.gather(
        *[execution.ask(*question, dict, away=each) for question, each in zip(questions, away, strict=True)]
    )
    for role in roles:
        role.statistics.settle()
    assert sum(role.statistics.executions for role in roles) < len(questions)
    for (role, inputs, names), answer in zip(questions, answers, strict=True):
        expected = LoadedRole.run(role, inputs, names)
        assert list(answer) == list(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(answer[name], values, rtol=0, atol=1e-5)


async def test_who_asks_after_a_batch_that_could_not_be_taken_apart_is_answered(start, affine, monkeypatch):
    execution = start()
    with monkeypatch.context() as patch:
        patch.setattr(affine, "run", lambda inputs, names: {"y": np.float32(1)})
        for _ in range(2):
            with pytest.raises(IndexError):
                await execution.ask(affine, rows(1), ["y"], dict)
    assert len((await execution.ask(affine, rows(2), ["y"], dict))["y"]) == 2
    assert affine.statistics.failures["failed"] == 2
