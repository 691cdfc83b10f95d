import io

import numpy as np
import pytest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/models/series/predict"
NPY = {"content-type": "application/x-npy"}
NAN = float("nan")


def publish(registry, made, features=2, **signature):
    """Publish what answers with the sum of all steps and their number, of at most three."""
    role = made.role("predict", {"sequence": (3, features)}, {"values": (2,)})
    role.node("IsNaN", ["sequence"], ["padding"])
    role.node("Where", ["padding", role.constant(np.float32(0)), "sequence"], ["filled"])
    role.node("ReduceSum", ["filled", role.constant(np.array([1, 2]))], ["sum"], keepdims=0)
    role.node("Cast", ["padding"], ["ones"], to=1)
    role.node("Sub", [role.constant(np.float32(1)), "ones"], ["there"])
    role.node("ReduceSum", ["there", role.constant(np.array([1, 2]))], ["count"], keepdims=0)
    for name in ("sum", "count"):
        role.node("Unsqueeze", [name, role.constant(np.array([1]))], [f"{name}_column"])
    role.node("Concat", ["sum_column", "count_column"], ["values"], axis=1)
    examples = {"predict": {"sequence": np.ones((2, 3, features), np.float32)}}
    artifact = made.artifact([role], examples, task="regression", **signature)
    return registry.publish("series", **artifact)


def npy(array):
    content = io.BytesIO()
    np.save(content, np.array(array))
    return content.getvalue()


def sums(answer):
    assert answer.status_code == 200, answer.text
    return [row["values"] for row in answer.json()["predictions"]]


async def test_sequences_of_any_length_are_padded(client, registry, made):
    publish(registry, made, variable_length=True)
    rows = [[[1, 2], [3, 4], [5, 6]], [[1, 2]], [[1, 2], [3, 4]]]
    assert sums(await client.post(PATH, json={"instances": rows})) == [[21, 6], [3, 2], [10, 4]]
    full = [rows[0]] * 2
    assert sums(await client.post(PATH, json={"instances": full})) == [[21, 6]] * 2


async def test_sequences_of_single_numbers_need_no_inner_lists(client, registry, made):
    publish(registry, made, features=1, variable_length=True)
    assert sums(await client.post(PATH, json={"instances": [[1, 2], [[3], [4]], [5]]})) == [
        [3, 2],
        [7, 2],
        [5, 1],
    ]
    assert sums(await client.post(PATH, content=npy([[1.0, 2], [3, NAN]]), headers=NPY)) == [[3, 2], [3, 1]]


async def test_arrays_are_padded_at_the_end(client, registry, made):
    publish(registry, made, variable_length=True)
    rows = [[[1, 2], [3, 4]], [[1, 2], [NAN, NAN]]]
    assert sums(await client.post(PATH, content=npy(rows), headers=NPY)) == [[10, 4], [3, 2]]


async def test_sequences_of_one_length_come_in_that_length(client, registry, made):
    publish(registry, made)
    rows = [[[1, 2], [3, 4], [5, 6]]]
    for answer in (
        await client.post(PATH, json={"instances": rows}),
        await client.post(PATH, content=npy(rows), headers=NPY),
    ):
        assert sums(answer) == [[21, 6]]
    shorter = await client.post(PATH, json={"instances": [[[1, 2]]]})
    assert shorter.json()["errors"][0]["pointer"] == "/instances/0"
    assert (await client.post(PATH, content=npy([[[1.0, 2]]]), headers=NPY)).status_code == 422


WRONG = [
    ([[[1, 2]] * 4], "/instances/0", "at most 3 steps, got 4"),
    ([[]], "/instances/0", "a list of 1 to 3 steps"),
    ([[[1, 2], [3]]], "/instances/0/1", "a list of 2 numbers"),
    ([[[1, 2]], [[1, "2"]]], "/instances/1/0/1", "got the text '2'"),
    ([[[1, 2], [None, 2]]], "/instances/0/1/0", "got null"),
    ([7], "/instances/0", "a list of 1 to 3 steps, got the number 7"),
    ([[1, 2]], "/instances/0/0", "a list of 2 numbers, got the number 1"),
]
WRONG_FILES = [
    ([[[1.0, 2]] * 4], "[rows, 3, 2]"),
    ([[[1.0, 2, 3]]], "[rows, 3, 2]"),
    ([[1.0, 2]], "[rows, 3, 2]"),
    ([1.0], "[rows, 3, 2]"),
    ([[[1.0, 2]], [[NAN, NAN]]], "Row 1: expected at least one step"),
    ([[[1.0, 2], [NAN, NAN], [1, 2]]], "Row 0: expected at least one step, and steps that are NaN only"),
    ([[[1.0, 2], [NAN, 2]]], "Row 0 holds a value that is no finite float32, at [1, 0]"),
    ([[[1.0, float("inf")]]], "Row 0 holds a value that is no finite float32, at [0, 1]"),
    (np.zeros((1, 0, 2)), "[rows, 3, 2]"),
]


async def test_wrong_sequences_are_pointed_at(client, registry, made):
    publish(registry, made, variable_length=True)
    for instances, pointer, message in WRONG:
        answer = await client.post(PATH, json={"instances": instances})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
        assert message in answer.json()["detail"]
    for array, message in WRONG_FILES:
        answer = await client.post(PATH, content=npy(array), headers=NPY)
        assert answer.status_code == 422, answer.text
        assert message in answer.json()["detail"]
    nan = await client.post(PATH, content=b'{"instances": [[[1, 2], [NaN, 1]]]}')
    assert (nan.status_code, nan.json()["errors"][0]["pointer"]) == (422, "/instances/0/1/0")
