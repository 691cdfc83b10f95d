"""Tables of steps in time, read as sequences."""

import io
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

Read = Callable[..., tuple]
Refused = Callable[..., object]

WALKS = 12


def lines() -> list[str]:
    """Steps of twelve walks, the latest first, walks mixed up; walk n has n % 3 + 2 steps."""
    return [
        f"w{WALKS - walk},{time},{walk + time / 10},{-walk},{'ab'[walk % 2]}"
        for time in reversed(range(4))
        for walk in range(WALKS)
        if time < walk % 3 + 2
    ]


def table(rows: list[str]) -> str:
    return "\n".join(["walk,time,x,y,gait", *rows]) + "\n"


CHOSEN = {"sequence_column": "walk", "time_column": "time", "target": ["gait"]}


def test_lines_become_sequences_in_the_order_of_time(read_as: Read) -> None:
    reading, arrays = read_as("sequences", table(lines()), "walks.csv", **CHOSEN)
    schema = reading.schema
    assert (schema.kind, schema.rows, schema.shape) == ("sequences", WALKS, (4, 2))
    assert (schema.variable_length, schema.labels) == (True, ["a", "b"])
    # Sequences stand as they first appear in the file: of the last step there are only walks 2, 5, 8 and 11.
    np.testing.assert_allclose(arrays["x"][0], [[2.0, -2], [2.1, -2], [2.2, -2], [2.3, -2]], rtol=1e-6)
    np.testing.assert_allclose(arrays["x"][:, 0, 0], [2, 5, 8, 11, 1, 4, 7, 10, 0, 3, 6, 9])
    assert np.isnan(arrays["x"][-1, 2:]).all()
    assert arrays["y"].tolist() == [0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1]


def test_without_a_time_steps_stand_as_in_the_file(read_as: Read) -> None:
    reading, arrays = read_as("sequences", table(lines()), sequence_column="walk", ignore=["time", "gait"])
    assert (reading.schema.labels, "y" in arrays) == ([], False)
    np.testing.assert_allclose(arrays["x"][0, :, 0], [2.3, 2.2, 2.1, 2.0], rtol=1e-6)


def test_values_can_be_the_target(read_as: Read) -> None:
    rows = [f"{walk},{step},{walk / 2}" for walk in range(WALKS) for step in range(3)]
    content = "\n".join(["walk,x,speed", *rows])
    reading, arrays = read_as("sequences", content, sequence_column="walk", target=["speed"])
    assert reading.schema.targets == ["speed"]
    assert arrays["y"][:, 0].tolist() == [walk / 2 for walk in range(WALKS)]


def test_one_long_series_is_cut_into_blocks_of_which_the_last_are_for_the_test(read_as: Read) -> None:
    rows = [f"{99 - step},{step / 4}" for step in range(99)]
    content = "\n".join(["time,x", *rows])
    reading, arrays = read_as("sequences", content, time_column="time", length=8)
    assert arrays["x"].shape == (13, 8, 1)
    known = arrays["x"].ravel()[:99]
    np.testing.assert_array_equal(known, np.arange(99)[::-1] / 4)
    assert np.isnan(arrays["x"].ravel()[99:]).all()
    assert (reading.split["method"], arrays["test"].tolist()) == ("last", [10, 11, 12])


def test_parquet_is_read_as_well(read_as: Read) -> None:
    content = io.BytesIO()
    walks = np.repeat(np.arange(WALKS), 3)
    pa.parquet.write_table(pa.table({"walk": walks, "x": walks / 2}), content)
    _, arrays = read_as("sequences", content.getvalue(), sequence_column="walk")
    assert arrays["x"][:, 1, 0].tolist() == (np.arange(WALKS) / 2).tolist()


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        ("w1,9,,1,a", CHOSEN, "The column 'x' is missing in row 36, the first of 1"),
        ("w1,,1,1,a", CHOSEN, "The column 'time' is missing in row 36"),
        (",9,1,1,a", CHOSEN, "The column 'walk' is missing in row 36"),
        ("w2,9,1,1,b", CHOSEN, "The target 'gait' changes within a sequence, in row"),
        ("w1,9,1,1,", CHOSEN, "The target 'gait' is missing in 1 rows, first in row 36"),
        (
            "w1,9,1,b,a",
            CHOSEN,
            "The column 'y' holds text; the features of a step are numbers. 'y' is read as text,"
            " for in 1 rows it holds no number, first 'b' in row 36",
        ),
        (
            "w2,9,1e40,1,a",
            CHOSEN,
            "The column 'x' holds a number that is infinite or beyond ±1e+30, first in row 36",
        ),
        ("w1,9,1", CHOSEN, "line 38 has 3 columns; 5 were expected"),
        (
            "",
            CHOSEN | {"time_column": "when"},
            "time_column names the column 'when'; the table has 'walk', 'time'",
        ),
        ("", CHOSEN | {"ignore": ["x", "y"]}, "No column is left that could be a feature"),
        (
            "",
            {"target": ["gait"], "ignore": ["walk"]},
            "A target is of a whole sequence, and the table is one",
        ),
    ],
)
def test_what_is_wrong_is_told_with_row_and_column(
    change: str, options: dict[str, object], told: str, refused: Refused
) -> None:
    rows = [*lines(), *([change] if change else [])]
    assert told in refused("sequences", table(rows), "walks.csv", **options).message


def test_sequences_of_very_different_lengths_are_refused_before_memory_is_taken(refused: Refused) -> None:
    rows = [f"{walk},1" for walk in range(1000)] + ["0,1"] * 999
    content = "\n".join(["walk,x", *rows])
    error = refused("sequences", content, sequence_column="walk", max_bytes=3_999_999)
    assert "1,000 sequences of up to 1,000 steps of 1 features" in error.message
