"""Values that are right by their form, and that no reader may stumble over."""

import io
import zipfile
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

Read = Callable[..., tuple]
Refused = Callable[..., object]

ROWS = 20
CLASSES = np.arange(ROWS) % 2


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def parquet(**columns: pa.Array) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), file)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["vectors", "images", "sequences"])
@pytest.mark.parametrize(
    "values", [[1e20, 1e20], [1.0, np.nextafter(1.0, 2.0)], [0.0, 5e-324], [-1e30, 1e30]]
)
def test_values_too_close_for_bins_are_read(kind: str, values: list[float], read_as: Read) -> None:
    shape = {"vectors": (ROWS, 4), "images": (ROWS, 2, 2), "sequences": (ROWS, 4)}[kind]
    x = np.resize(np.array(values), shape)
    reading, _ = read_as(kind, npz(x=x, y=CLASSES), "odd.npz")
    edges, counts = (reading.profile["histogram"][name] for name in ("edges", "counts"))
    assert sum(counts) == x.size
    assert all(low < high for low, high in pairwise(edges))


def test_columns_and_targets_too_close_for_bins_are_read(read_as: Read) -> None:
    large = pa.array([2**64 - 1] * ROWS, pa.uint64())
    reading, _ = read_as("table", parquet(a=large, y=pa.array([1e20] * ROWS)), "odd.parquet")
    assert sum(reading.profile["targets"][0]["histogram"]["counts"]) == ROWS


def test_lines_may_end_with_carriage_returns_alone(read_as: Read) -> None:
    lines = ["a,b,y", *(f"{row},{row * 2},{'uv'[row % 2]}" for row in range(ROWS))]
    reading, arrays = read_as("table", "\r".join(lines) + "\r", "mac.csv")
    assert (reading.schema.rows, reading.schema.labels) == (ROWS, ["u", "v"])
    assert arrays["x"][3].tolist() == [3, 6]


def test_a_column_with_an_endless_name_is_refused(refused: Refused) -> None:
    error = refused("table", "q" * 200_000 + ",b\n" + "1,2\n" * ROWS, "wide.csv")
    assert error.message.startswith("The first line cannot be read: field larger than field limit")


def test_parquet_text_that_is_no_text_is_refused(refused: Refused) -> None:
    places = pa.py_buffer(np.arange(ROWS + 1, dtype=np.int32).tobytes())
    text = pa.Array.from_buffers(pa.string(), ROWS, [None, places, pa.py_buffer(b"\xff\xfe" * (ROWS // 2))])
    error = refused("table", parquet(a=text, y=pa.array(CLASSES)), "broken.parquet")
    assert error.message == "The column 'a' holds bytes that are no UTF-8 text."


def test_a_csv_file_in_another_encoding_is_refused(refused: Refused) -> None:
    lines = "a,b,y\n" + "1,é,u\n2,e,v\n" * ROWS
    error = refused("table", lines.encode("latin-1"), "old.csv")
    assert error.message == "The column 'b' holds bytes that are no UTF-8 text."
    assert "UTF-8" in error.hint


@pytest.mark.parametrize("kind", ["table", "sequences"])
def test_a_table_of_names_alone_is_refused(kind: str, refused: Refused) -> None:
    assert refused(kind, "a,b,y\n", "empty.csv").message.startswith("The table has no rows")


def test_class_names_of_impossible_characters_are_refused(refused: Refused) -> None:
    y = np.frombuffer(np.array([0x110000, ord("a")] * (ROWS // 2), np.uint32).tobytes(), "<U1")
    error = refused("vectors", npz(x=np.random.rand(ROWS, 3), y=y), "odd.npz")
    assert error.message == "y holds text with numbers that are no characters."


def test_test_targets_of_another_width_are_refused(refused: Refused) -> None:
    x = np.random.rand(ROWS, 3)
    sent = npz(x_train=x, y_train=x[:, 0], x_test=x, y_test=x[:, :2])
    error = refused("vectors", sent, "odd.npz")
    assert error.message == "y_test has 2 values a row, but y_train 1."


def test_a_length_that_is_no_whole_number_is_refused(refused: Refused) -> None:
    file = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (ROWS, True)}
    np.lib.format.write_array_header_1_0(file, header)
    sent = file.getvalue() + b"\0" * (4 * ROWS)
    assert refused("vectors", sent, "odd.npy").message == "x is not an array as numpy.save writes it."


def test_test_rows_alone_are_no_dataset(refused: Refused) -> None:
    sent = io.BytesIO()
    with zipfile.ZipFile(sent, "w") as archive:
        for row in range(ROWS):
            archive.writestr(f"train/{'ab'[row % 2]}/{row}.txt", "")
            archive.writestr(f"test/{'ab'[row % 2]}/{row}.txt", "some words")
    error = refused("text", sent.getvalue(), "texts.zip")
    assert error.message == "All rows that can be read are test rows; none is left to train with."


@pytest.mark.parametrize("option", ["target", "split_column", "sequence_column", "time_column", "weight"])
def test_a_column_that_is_needed_cannot_be_ignored(option: str, refused: Refused) -> None:
    chosen = {option: ["a"] if option == "target" else "a", "ignore": ["a"]}
    if option == "split_column":
        chosen["split"] = "last"
    with pytest.raises(ValueError, match=f"ignore leaves out a column that {option} names"):
        refused("table", "a,b,y\n1,2,3\n", "odd.csv", **chosen)


def test_a_target_cannot_be_named_twice(refused: Refused) -> None:
    with pytest.raises(ValueError, match="target names a column twice"):
        refused("table", "a,b,y\n1,2,3\n", "odd.csv", target=["a", "a"])


def test_values_have_no_class_names(refused: Refused) -> None:
    with pytest.raises(ValueError, match="labels are names of classes, and target_kind is values"):
        refused("table", "a,b,y\n1,2,3\n", "odd.csv", labels=["a", "b"], target_kind="values")


def test_steps_are_not_ordered_by_text(refused: Refused) -> None:
    lines = "walk,time,x\n" + "".join(f"{row // 2},31.01.20{row % 2},{row}\n" for row in range(ROWS * 2))
    error = refused("sequences", lines, "walks.csv", sequence_column="walk", time_column="time")
    assert error.message.startswith("The time 'time' is text; numbers or dates were expected.")
