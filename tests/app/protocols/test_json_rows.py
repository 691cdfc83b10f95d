import json
import random

import numpy as np
import pytest

from app.errors import BadRequest, Invalid
from app.protocols.json_rows import RowsReader
from models.signature import TensorSignature

SHAPES = [(1,), (4,), (3, 1), (2, 3), (1, 1, 1), (2, 2, 1), (2, 1, 3), (2, 2, 2, 1)]
MAX_ROWS = 4
NUMBERS = [
    "0", "1", "-1", "-0", "-0.0", "-0e0", "7", "255", "0.5", "1.0", "-3.25", "1e2", "1E+2", "1e-05",
    "2.5e-3", "1e-400", "9007199254740993", "-9007199254740993", "9223372036854775807",
    "9223372036854775808", "18446744073709551615", "3.4028234663852886e38", "-3.4028234663852886e38",
    "0.1234567890123456789", "1.17549435e-38", "1e-45", "16777217", "0." + "3" * 60,
]  # fmt: skip
ODDITIES = [
    "18446744073709551616", "123456789012345678901234567890", "true", "false", "null", '"1"', '""',
    "NaN", "-NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e39", "3.4028235677973366e38",
    "9" * 40, "9" * 400, "9" * 5000, "[]", "{}", "[1]", "[[1]]", '{"a":1}', "01", "+1", "1.", ".5",
    "1e", "--1", "0x1", "1 2", "", "é", "\x00", "\x0b", "1_0", "E", "-", "[" * 1100,
    "[" * 40 + "]" * 40,
]  # fmt: skip
SPACES = ["", "", "", "", " ", "\n", "\t", "\r\n", "  "]
EXTRAS = [
    '"a":1',
    '"":null',
    '"instances ":1',
    '"instances":[1]',
    '"instances":NaN',
    '"in1stances":[[1]]',
    '"\\ud800":2',
]
KEYS = ['"instances"'] * 80 + [
    '"\\u0069nstances"', '"Instances"', '"inputs"', "'instances'", "instances", '"instances "',
    '"in stances"', '"inst-ances"', '"instanceees"', '"insta\\nces"', '"1nstances"', '"instanc.es"',
    '"instancs"', '"instanc"',
]  # fmt: skip


def reader_of(shape):
    return RowsReader(TensorSignature(name="image", dtype="float32", shape=shape), MAX_ROWS)


class Bodies:
    """Bodies for rows of one shape: right ones, nearly right ones, and hopeless ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def space(self):
        return self.random.choice(SPACES)

    def number(self):
        choose = self.random
        return choose.choice(NUMBERS) if choose.random() < 0.8 else repr(choose.gauss(0, 1000))

    def nested(self, shape):
        if not shape:
            return self.space() + self.number() + self.space()
        return self.listed([self.nested(shape[1:]) for _ in range(shape[0])])

    def listed(self, members):
        return self.space() + "[" + ",".join(members) + "]" + self.space()

    def ragged(self, shape):
        """Like ``nested``, but any list may be a little too short or too long."""
        if not shape:
            return self.number()
        length = max(0, shape[0] + self.random.choice([0, 0, 0, 0, -1, 1]))
        return self.listed([self.ragged(shape[1:]) for _ in range(length)])

    def rows(self, shape):
        choose = self.random
        row = shape[:-1] if shape[-1] == 1 and choose.random() < 0.3 else shape
        rows = [
            self.ragged(row) if choose.random() < 0.1 else self.nested(row)
            for _ in range(choose.choice([*range(MAX_ROWS + 2), *range(1, MAX_ROWS + 1), 1, 1, 1, 1, 1, 1]))
        ]
        if rows and choose.random() < 0.05:
            other = choose.choice([shape, shape[:-1], shape[1:], (*shape, 1), (shape[0] + 1, *shape[1:])])
            rows[choose.randrange(len(rows))] = self.nested(other)
        return self.listed(rows)

    def body(self, shape):
        choose = self.random
        members = [f"{self.space()}{choose.choice(KEYS)}{self.space()}:{self.rows(shape)}"]
        if choose.random() < 0.1:
            members.insert(choose.randrange(2), choose.choice(EXTRAS))
        text = self.space() + "{" + ",".join(members) + "}" + self.space()
        if choose.random() < 0.15:
            digits = [place for place, character in enumerate(text) if character.isdigit()]
            if digits:
                place = choose.choice(digits)
                text = text[:place] + choose.choice(ODDITIES) + text[place + 1 :]
        body = text.encode()
        if choose.random() < 0.15:
            body = self.mangled(body)
        return body

    def mangled(self, body):
        choose = self.random
        place = choose.randrange(len(body))
        match choose.randrange(7):
            case 0:
                return body[:place]
            case 1:
                return body[:place] + body[place + 1 :]
            case 2:
                return body[:place] + body[place : place + 1] + body[place:]
            case 3:
                return body[:place] + choose.choice(b'[]{},:"-+.eE01 tn\xff').to_bytes() + body[place:]
            case 4:
                other = choose.randrange(len(body))
                swapped = bytearray(body)
                swapped[place], swapped[other] = swapped[other], swapped[place]
                return bytes(swapped)
            case 5:
                return body + choose.choice([b"x", b"]", b"}", b",", b"{}", b"\x00", b"0", b"\xef\xbb\xbf"])
            case _:
                return choose.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"[", b"0"]) + body


def outcome(read, body):
    try:
        return read(body)
    except (BadRequest, Invalid):
        return None


def same_bits(one, other):
    return (
        one.shape == other.shape
        and one.dtype == other.dtype == np.float32
        and one.tobytes() == other.tobytes()
    )


def assert_readers_agree(bodies, count):
    """Read generated bodies both ways, and those taken a third way, with the standard library."""
    fast_ones = taken = refused = 0
    readers = {shape: reader_of(shape) for shape in SHAPES}
    for _ in range(count):
        shape = bodies.random.choice(SHAPES)
        body = bodies.body(shape)
        fast, exact = readers[shape].read_fast(body), outcome(readers[shape].read_exact, body)
        if fast is not None:
            fast_ones += 1
            assert exact is not None, body
            assert same_bits(fast, exact), body
        if exact is None:
            refused += 1
            continue
        taken += 1
        values = np.array(json.loads(body)["instances"], np.float64)
        assert same_bits(exact, values.astype(np.float32).reshape(len(values), *shape)), body
    # Else the generator has lost its balance, and agreement says little.
    assert fast_ones > 0.3 * count
    assert refused > 0.3 * count
    assert taken - fast_ones > 0.003 * count


def test_both_readers_agree_on_generated_bodies():
    assert_readers_agree(Bodies(seed=1), 2_000)


@pytest.mark.long
def test_both_readers_agree_on_a_hundred_thousand_generated_bodies():
    assert_readers_agree(Bodies(seed=2), 100_000)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [1, 2, MAX_ROWS])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), ("\n,\t", " : ")])
def test_well_formed_rows_are_read_fast(shape, rows, separators):
    values = np.random.default_rng(0).normal(size=(rows, *shape)).astype(np.float32)
    body = json.dumps({"instances": values.tolist()}, separators=separators).encode()
    assert same_bits(reader_of(shape).read_fast(body), values)


def test_a_last_axis_of_one_may_be_left_out():
    values = np.arange(8, dtype=np.float32).reshape(2, 2, 2, 1)
    body = json.dumps({"instances": values[..., 0].tolist()}).encode()
    assert same_bits(reader_of((2, 2, 1)).read_fast(body), values)
    assert same_bits(reader_of((2, 2, 1)).read_exact(body), values)


def test_a_number_whose_square_is_beyond_all_numbers_is_left_to_the_slow_reader_in_silence():
    assert reader_of((1,)).read_fast(b'{"instances":[[1677e217]]}') is None


def test_what_the_fast_reader_does_not_know_is_still_read():
    body = b'{"\\u0069nstances": [[1, 123456789012345678901234567890]]}'
    assert reader_of((2,)).read_fast(body) is None
    np.testing.assert_array_equal(reader_of((2,)).read(body), np.array([[1, 1.2345679e29]], np.float32))


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances":[[1],[2]]}',
        b'{"instances":[[[1],[]]]}',
        b'{"instances":[[[1],[2],[3]]]}',
        b'{"instances":[[[1,2],[]]]}',
        b'{"instances":[[[],[]]]}',
        b'{"instances":[[1,2,]]}',
        b'{"in1stances":[[1,2]]}',
        b'{"instances":[[1,2]],"instances":[[3,4]]}',
    ],
)
def test_rows_of_another_nesting_never_pass_as_fast(body):
    assert reader_of((2, 1)).read_fast(body) is None
