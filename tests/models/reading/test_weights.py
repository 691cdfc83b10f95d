"""Weights of rows: from tables, arrays and lines, to the canonical file."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Read = Callable[..., tuple]
Refused = Callable[..., Any]
Archive = Callable[..., bytes]

X = np.arange(20 * 3, dtype=np.float32).reshape(20, 3)
Y = np.arange(20) % 2
WEIGHTS = np.arange(20) / 8


def table(weights: object = WEIGHTS) -> str:
    lines = [f"{row},{weight},{'ab'[row % 2]}" for row, weight in enumerate(weights)]
    return "\n".join(["size,count,species", *lines]) + "\n"


def json_lines(**others: object) -> str:
    rows = [{"text": f"row {row}", "label": "ab"[row % 2], "trust": row / 8} | others for row in range(20)]
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_column_of_a_table_can_be_the_weight_and_is_no_input(read_as: Read) -> None:
    reading, arrays = read_as("table", table(), target=["species"], weight="count")
    assert [column.name for column in reading.schema.columns] == ["size"]
    assert reading.schema.weights == "count"
    assert arrays["weights"].dtype == np.float32
    np.testing.assert_array_equal(arrays["weights"], WEIGHTS)
    assert reading.profile["weights"]["max"] == 19 / 8
    # The target that is guessed is the last column but for the weight.
    content = "a,b,w\n" + "".join(f"{row},{row / 4},{row}\n" for row in range(20))
    assert read_as("table", content, weight="w")[0].schema.targets == ["b"]


def test_arrays_bring_weights_of_training_rows_and_perhaps_of_test_rows(
    read_as: Read, archive: Archive
) -> None:
    both = archive(x_train=X[:15], y_train=Y[:15], trust_train=WEIGHTS[:15], x_test=X[15:], y_test=Y[15:],
                   trust_test=WEIGHTS[15:])  # fmt: skip
    reading, arrays = read_as("vectors", both, weight="trust")
    np.testing.assert_array_equal(arrays["weights"], WEIGHTS)
    assert not any("Not used" in warning for warning in reading.warnings)
    alone = archive(x_train=X[:15], y_train=Y[:15], trust_train=WEIGHTS[:15], x_test=X[15:], y_test=Y[15:])
    _, arrays = read_as("vectors", alone, weight="trust")
    np.testing.assert_array_equal(arrays["weights"], [*WEIGHTS[:15], 1, 1, 1, 1, 1])


@pytest.mark.parametrize(("kind", "shape"), [("images", (2, 2)), ("sequences", (2, 2)), ("vectors", (4,))])
def test_arrays_of_every_kind_can_have_weights(
    kind: str, shape: tuple[int, ...], read_as: Read, archive: Archive
) -> None:
    rows = np.arange(80, dtype=np.float32).reshape(20, *shape)
    _, arrays = read_as(kind, archive(x=rows, y=Y, weights=Y + 1), weight="weights")
    assert arrays["weights"].tolist() == (Y + 1).tolist()


def test_lines_bring_their_weights(read_as: Read) -> None:
    _, arrays = read_as("text", json_lines(), "reviews.jsonl", weight="trust")
    np.testing.assert_array_equal(arrays["weights"], WEIGHTS)


def test_a_sequence_weighs_what_all_its_steps_say(read_as: Read, refused: Refused) -> None:
    steps = [f"{walk},{walk}.{time},{walk / 4}" for time in range(2) for walk in range(20)]
    content = "\n".join(["walk,x,trust", *steps]) + "\n"
    reading, arrays = read_as("sequences", content, sequence_column="walk", weight="trust")
    assert arrays["weights"].tolist() == [walk / 4 for walk in range(20)]
    assert reading.schema.shape == (2, 1)
    error = refused("sequences", content + "3,1,9\n", sequence_column="walk", weight="trust")
    assert error.message == "The weight 'trust' changes within a sequence, in row 40."
    error = refused("sequences", content, weight="trust")
    assert error.message == "A weight is of a whole sequence, and the table is one."


def test_weights_are_part_of_the_digest_and_change_nothing_where_there_are_none(read_as: Read) -> None:
    options = {"target": ["species"], "weight": "count"}
    digests = [
        read_as("table", content, **options)[0].digest for content in (table(), table(), table(WEIGHTS + 1))
    ]
    assert digests[0] == digests[1] != digests[2]
    # As it was before there were weights, so that what is uploaded again is still known.
    plain = "a,y\n" + "".join(f"{row},{row % 2}\n" for row in range(20))
    reading, arrays = read_as("table", plain)
    assert "weights" not in arrays
    assert reading.digest == "69f8b0f51bdf779c7cb243380718159a0c4a3388ea3edd481be9ddf1de363b2c"


def test_what_deserves_a_look_is_told(read_as: Read) -> None:
    def told(weights: np.ndarray) -> list[str]:
        return read_as("table", table(weights), target=["species"], weight="count")[0].warnings

    assert told(np.ones(20)) == []
    assert told(np.arange(20) % 2 * 2.0) == ["8 of 16 training rows weigh 0: they teach nothing."]
    (warning,) = told(np.full(20, 2500.0))
    assert warning.startswith("The weights of the training rows are 2.5e+03 on average")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (-1, "The weight of row 7 in 'count' is -1; a number from 0 to 1e+30 was expected."),
        ("inf", "The weight of row 7 in 'count' is inf"),
        ("", "The weight 'count' is missing in row 7, the first of 1."),
        ("much", "The column 'count' holds text; weights are numbers. 'count' is read as text, for in 1 rows"
                 " it holds no number, first 'much' in row 7"),
    ],
)  # fmt: skip
def test_what_is_no_weight_is_refused_with_row_and_column(value: object, told: str, refused: Refused) -> None:
    weights = [*WEIGHTS[:7], value, *WEIGHTS[8:], *WEIGHTS]
    assert refused("table", table(weights), target=["species"], weight="count").message.startswith(told)


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"trust": np.where(np.arange(20) == 4, np.nan, 1)}, "The weight of row 4 in 'trust' is nan"),
        ({"trust": WEIGHTS[:19]}, "trust is [19] of float64; a number for each of the 20 rows of x was"),
        ({"trust": np.array(["a"] * 20)}, "trust is text; a number for each of the 20 rows of x was"),
        ({"trust": np.zeros(20)}, "The weights of all training rows are 0"),
        ({"trsut": WEIGHTS}, "weight names 'trust', so the array 'trust' was expected; beside x, y the file"
                             " holds 'trsut'."),
    ],
)  # fmt: skip
def test_arrays_that_hold_no_weights_are_refused(
    weights: dict[str, np.ndarray], told: str, refused: Refused, archive: Archive
) -> None:
    assert refused("vectors", archive(x=X, y=Y, **weights), weight="trust").message.startswith(told)


def test_rows_and_targets_are_no_weights(refused: Refused, archive: Archive) -> None:
    assert refused("vectors", archive(x=X, y=Y), weight="y").field == "options.weight"
    assert refused("table", table(), target=["species"], weight="cuont").field == "options.weight"


@pytest.mark.parametrize("weight", [-1, "much", None, True, 1e31])
def test_a_line_without_a_weight_is_refused_by_its_number(weight: object, refused: Refused) -> None:
    lines = json_lines() + json.dumps({"text": "last", "label": "a", "trust": weight}) + "\n"
    told = refused("text", lines, "reviews.jsonl", weight="trust").message
    assert told == f"Line 21 has the weight {weight!r}; 'trust' should be a number from 0 to 1e+30."


def test_a_file_that_can_carry_no_weights_is_refused(refused: Refused) -> None:
    error = refused("text", "one line\n" * 20, "book.txt", weight="trust")
    assert error.message == "weight names 'trust', and data of this form has no weights."
    assert "a column of a table" in error.hint


def test_a_weight_is_no_target(refused: Refused) -> None:
    with pytest.raises(ValueError, match="weight names a column that target names too"):
        refused("table", table(), weight="count", target=["count"])
