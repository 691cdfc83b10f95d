import asyncio

import numpy as np
import pytest
from gated import rows

from app.serving.role import LoadedRole
from app.serving.turns import Ready, Turns
from models.signature import RoleSignature

pytestmark = pytest.mark.anyio


@pytest.fixture
def turns():
    return Turns()


def ask(turns, role, inputs, names=("y",), write=dict):
    """Ask in this turn; return what is told, in a list."""
    told = []
    turns.add(Ready(role, inputs, names, write), told.append)
    return told


async def test_questions_of_one_turn_run_together_and_each_has_its_own_rows(turns, affine):
    asked = [rows(count, seed=count) for count in (1, 3, 1, 2)]
    told = [ask(turns, affine, inputs) for inputs in asked]
    assert (affine.ran, told) == ([], [[], [], [], []])
    await asyncio.sleep(0)
    assert affine.ran == [7]
    for inputs, (answer,) in zip(asked, told, strict=True):
        np.testing.assert_array_equal(answer["y"], 2 * inputs["x"])


async def test_those_of_the_next_turn_do_not_wait_for_them(turns, affine):
    for _ in range(2):
        told = ask(turns, affine, rows(1))
        await asyncio.sleep(0)
        assert len(told) == 1
    assert affine.ran == [1, 1]


async def test_only_what_goes_together_is_merged(turns, affine, made):
    double = made.role("encode", {"x": ((4,), "float64")}, {"y": ((4,), "float64")})
    double.node("Identity", ["x"], ["y"])
    free = made.role("generate", {"x": (-1,)}, {"y": (-1,)})
    free.node("Identity", ["x"], ["y"])
    double, free = (
        LoadedRole(RoleSignature.model_validate(each.signature()), each.onnx()) for each in (double, free)
    )
    asked = [
        (affine, rows(1, 1), ("y",)),
        (affine, rows(1, 2), ("z",)),
        (affine, rows(1, 3), None),
        (double, {"x": np.ones((1, 4))}, ("y",)),
        (free, {"x": np.ones((1, 4), np.float32)}, None),
        (free, {"x": np.ones((1, 5), np.float32)}, None),
        (affine, rows(1, 4), ("y",)),
        (free, {"x": np.zeros((1, 5), np.float32)}, None),
    ]
    told = [ask(turns, *each) for each in asked]
    turns.end()
    assert affine.ran == [2, 1, 1]
    for role in (affine, double, free):
        role.statistics.settle()
    assert {size: batch.count for size, batch in free.statistics.batches.items()} == {1: 1, 2: 1}
    for (role, inputs, names), (answer,) in zip(asked, told, strict=True):
        expected = LoadedRole.run(role, inputs, names)
        assert list(answer) == list(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(answer[name], values)


async def test_no_batch_has_more_rows_than_the_graph_takes_at_once(turns, affine):
    counts = [affine.batch_rows - 1, 2, 1, 40, 1]
    told = [ask(turns, affine, rows(count)) for count in counts]
    await asyncio.sleep(0)
    assert affine.ran == [affine.batch_rows]
    # The others stay in their order, and what comes meanwhile joins them.
    told.append(ask(turns, affine, rows(1)))
    turns.end()
    assert affine.ran[1:] == [4, 40]
    assert [len(answer["y"]) for (answer,) in told] == [*counts, 1]


@pytest.mark.parametrize("wrong", [0, 1])
async def test_one_answer_that_cannot_be_written_leaves_the_others_theirs(turns, affine, wrong):
    def fail(outputs):
        raise ValueError("not that")

    told = [ask(turns, affine, rows(1), write=fail if each == wrong else dict) for each in range(3)]
    turns.end()
    assert [answer is None for (answer,) in told] == [each == wrong for each in range(3)]
    affine.statistics.settle()
    assert (affine.statistics.succeeded, affine.statistics.executions) == (2, 1)


async def test_a_graph_that_fails_answers_none_of_them(turns, chosen):
    asked = [{"number": np.array([number], np.int32)} for number in (3, 10)]
    told = [ask(turns, chosen, inputs, None) for inputs in asked]
    turns.end()
    assert told == [[None], [None]]
    chosen.statistics.settle()
    assert chosen.statistics.succeeded == 0


async def test_a_graph_that_answers_no_rows_leaves_others_their_turn(turns, affine, made):
    whole = made.role("predict", {"x": (4,)}, {"y": (4,)})
    whole.node("ReduceSum", ["x"], ["y"], keepdims=0)
    whole = LoadedRole(RoleSignature.model_validate(whole.signature()), whole.onnx())
    told = [ask(turns, role, rows(1)) for role in (whole, affine, whole)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (first,), (second,), (third,) = told
    assert (first, list(second), third) == (None, ["y"], None)


async def test_a_connection_that_fails_leaves_the_others_their_answers(turns, affine, caplog):
    def fail(_):
        raise RuntimeError("gone")

    before = ask(turns, affine, rows(1))
    turns.add(Ready(affine, rows(1), ("y",), dict), fail)
    after = ask(turns, affine, rows(1))
    turns.end()
    assert (len(before), len(after)) == (1, 1)
    assert "did not reach its connection" in caplog.text


async def test_each_question_is_counted_and_their_run_once(turns, affine):
    for count in (1, 2, 1):
        ask(turns, affine, rows(count))
    turns.end()
    ask(turns, affine, rows(1))
    turns.end()
    found = affine.statistics
    found.settle()
    assert (found.succeeded, found.rows) == (4, 5)
    assert {size: batch.count for size, batch in found.batches.items()} == {1: 1, 4: 1}
    # Who shared a run counts all of it.
    assert found.compute.sum == pytest.approx(3 * found.batches[4].compute + found.batches[1].compute)
    assert found.output.sum == pytest.approx(found.batches[4].output + found.batches[1].output)
    assert found.queue.count == 4
    assert found.queue.sum > 0
    parts = (found.queue, found.input, found.compute, found.output)
    assert found.request.sum == pytest.approx(sum(part.sum for part in parts))
