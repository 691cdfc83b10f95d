import json
import tracemalloc

import numpy as np
import pytest

from app.errors import BadRequest, Invalid
from app.protocols.instances import SMALL_BODY_BYTES
from app.protocols.json_exact import read_exact
from models.signature import TensorSignature

IMAGE = TensorSignature(name="image", dtype="float32", shape=(2, 3, 1))
ROW = [[[0], [1], [2]], [[3], [4], [5]]]


def refusal_of(body, tensor=IMAGE):
    with pytest.raises((BadRequest, Invalid)) as refusal:
        read_exact(body if isinstance(body, bytes) else json.dumps(body).encode(), tensor, 3)
    return refusal.value


def with_value(value, *place):
    rows = json.loads(json.dumps([ROW, ROW]))
    at = rows
    for index in place[:-1]:
        at = at[index]
    at[place[-1]] = value
    return {"instances": rows}


@pytest.mark.parametrize(
    ("body", "pointer", "code", "message"),
    [
        (with_value("7", 1, 0, 2, 0), "/instances/1/0/2/0", "wrong_type", "a number, got the text '7'"),
        (with_value(True, 1, 0, 2, 0), "/instances/1/0/2/0", "wrong_type", "a number, got true"),
        (with_value(None, 1, 0, 2, 0), "/instances/1/0/2/0", "wrong_type", "a number, got null"),
        (with_value([7], 1, 0, 2, 0), "/instances/1/0/2/0", "wrong_type", "a number, got a list of 1"),
        (with_value({}, 1, 0, 2, 0), "/instances/1/0/2/0", "wrong_type", "a number, got an object"),
        (with_value(float("nan"), 0, 1, 2, 0), "/instances/0/1/2/0", "not_finite", "got the number NaN"),
        (with_value(float("inf"), 0, 1, 2, 0), "/instances/0/1/2/0", "not_finite", "got the number Infinity"),
        (with_value(1e39, 0, 1, 2, 0), "/instances/0/1/2/0", "not_finite", "got the number 1e+39"),
        (with_value(10**400, 0, 1, 2, 0), "/instances/0/1/2/0", "not_finite", "got the number 1000000"),
        (with_value([1, 2], 1, 1, 0), "/instances/1/1/0", "wrong_length", "a list of 1 number, got a list"),
        (with_value([], 1, 1, 0), "/instances/1/1/0", "wrong_length", "a list of 1 number, got a list of 0"),
        (with_value([[1], [2]], 1, 1), "/instances/1/1", "wrong_length", "3 lists, got a list of 2"),
        (with_value([], 1), "/instances/1", "wrong_length", "a list of 2 lists, got a list of 0"),
        (with_value(5, 1), "/instances/1", "wrong_type", "a list of 2 lists, got the number 5"),
        ({"instances": [[1, 2, 3, 4, 5, 6]]}, "/instances/0", "wrong_length", "shape [2, 3, 1]"),
        ({"instances": [[[0, 1, 2], [3, 4]]]}, "/instances/0/1", "wrong_length", "a list of 3 numbers"),
        ({"instances": []}, "/instances", "empty", "at least one row"),
        ({"instances": [ROW] * 4}, "/instances", "too_many_rows", "at most 3 rows, got 4"),
        ({"instances": 5}, "/instances", "wrong_type", "a list of rows, got the number 5"),
        ({}, "/instances", "missing", "'instances' is missing"),
        ({"instances": [ROW], "extra/~": 1}, "/extra~1~0", "unknown_field", "Only 'instances' is expected"),
        ([ROW], "", "wrong_type", 'Expected {"instances": [row, …]}, got a list of 1'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(body, pointer, code, message):
    refusal = refusal_of(body)
    assert isinstance(refusal, Invalid)
    (error,) = refusal.errors
    assert (error.pointer, error.code) == (pointer, code)
    assert message in error.message
    assert pointer in refusal.detail
    assert message in refusal.detail


@pytest.mark.parametrize(
    "body",
    [
        b"", b"  ", b"{", b'{"instances": [[1, 2]', b'{"instances": [[1]]} x', b"\xff", b"[" * 100_000,
        b'{"instances": [[1,]]}', b'{"instances": ' + b"9" * 5000 + b"}", b"\xef\xbb\xbf{}",
        '{"instances": [[1]]}'.encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_not_json_is_said_to_be(body):
    refusal = refusal_of(body)
    assert isinstance(refusal, BadRequest)
    assert refusal.code == "malformed_json"
    assert len(refusal.detail) < 200


def test_python_reads_more_than_json_but_that_is_not_taken():
    hidden = f'{{"instances": NaN, "instances": [{json.dumps(ROW)}]}}'.encode()
    assert refusal_of(hidden).code == "malformed_json"


def test_a_field_that_is_no_unicode_is_refused_in_unicode():
    refusal = refusal_of(b'{"\\ud800": 1, "instances": [[1]]}')
    (error,) = refusal.errors
    (error.pointer + error.message + refusal.detail).encode()


@pytest.mark.parametrize("member", [b"{}", b"[]", b"0", b'"x"', b"[[[0]]]"])
def test_a_large_body_of_too_many_members_is_refused_unread(member):
    count = SMALL_BODY_BYTES // (len(member) + 1) + 1
    body = b'{"instances": [' + b",".join([member] * count) + b"]}"
    tracemalloc.start()
    refusal = refusal_of(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refusal.errors[0].code == "too_many_rows"
    assert peak < len(body)


def test_as_many_rows_as_may_be_are_read_however_large_they_are_written():
    body = json.dumps({"instances": [ROW] * 3}).encode().replace(b" ", b" " * SMALL_BODY_BYTES)
    np.testing.assert_array_equal(read_exact(body, IMAGE, 3), [ROW] * 3)


def test_the_first_wrong_value_of_a_large_body_is_found():
    rows = np.zeros((3, 2, 3, 1)).tolist()
    rows[2][1][2][0] = "x"
    rows[1][0][1][0] = None
    assert refusal_of({"instances": rows}).errors[0].pointer == "/instances/1/0/1/0"


def test_rows_without_the_last_axis_have_pointers_without_it():
    refusal = refusal_of({"instances": [[[0, 1, 2], [3, 4, "x"]]]})
    assert refusal.errors[0].pointer == "/instances/0/1/2"


def test_one_number_a_row_may_stand_alone():
    single = TensorSignature(name="x", dtype="float32", shape=(1,))
    np.testing.assert_array_equal(read_exact(b'{"instances": [1, 2]}', single, 3), [[1], [2]])
    assert refusal_of({"instances": [1, [2]]}, single).errors[0].pointer == "/instances/1"
