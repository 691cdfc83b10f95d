import io
import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.reading.builtin import BUILTINS, read_builtin
from models.reading.canonical import write_canonical
from models.reading.catalogue import BUILTIN_KINDS
from models.reading.errors import BadData
from models.reading.options import ReadingOptions
from models.schema import Column

Read = Callable[..., tuple]
Refused = Callable[..., BadData]

COLOURS = ["red", "red", "blue", ""]
TABLE = "size,colour,count,species\n" + "".join(
    f"{row / 4},{COLOURS[row % 4]},{row % 3},{'ab'[row % 2]}\n" for row in range(40)
)


def parquet(**columns: object) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content)
    return content.getvalue()


def test_a_table_becomes_numbers_and_ids_of_categories(read_as: Read) -> None:
    reading, arrays = read_as("table", TABLE, target=["species"])
    schema = reading.schema
    assert (schema.kind, schema.rows, schema.shape, schema.dtype) == ("table", 40, (3,), "float32")
    assert schema.labels == ["a", "b"]
    assert [column.name for column in schema.columns] == ["size", "colour", "count"]
    assert schema.columns[1] == Column(name="colour", kind="category", categories=("red", "blue"))
    np.testing.assert_array_equal(arrays["x"][:, 0], np.arange(40, dtype=np.float32) / 4)
    # Red, red, blue, missing.
    assert arrays["x"][:4, 1].tolist() == [2, 2, 3, 1]
    assert arrays["y"][:4].tolist() == [0, 1, 0, 1]
    assert reading.warnings == []


def test_the_profile_tells_of_each_column(read_as: Read) -> None:
    profile = read_as("table", TABLE, target=["species"])[0].profile
    size, colour, _ = profile["columns"]
    assert (size["min"], size["max"], size["missing"]) == (0, 9.75, 0)
    assert sum(size["histogram"]["counts"]) == 40
    assert colour["missing"] == profile["missing"] == 10
    assert colour["top"] == {"red": 20, "blue": 10}
    assert profile["classes"] == {"a": 20, "b": 20}
    json.dumps(profile, allow_nan=False)


def test_categories_are_learned_from_training_rows_alone(read_as: Read) -> None:
    rows = [("x", 1)] * 30 + [("new", 2)] * 10
    content = "kind,y\n" + "".join(f"{kind},{y}\n" for kind, y in rows)
    reading, arrays = read_as("table", content, split="last", test_fraction=0.25)
    assert reading.schema.columns[0].categories == ("x",)
    assert arrays["x"][[0, 39], 0].tolist() == [2, 0]
    assert reading.profile["columns"][0]["unknown"] == 10


@pytest.mark.parametrize(
    ("values", "labels", "targets"),
    [
        ([0, 1, 2], ["0", "1", "2"], []),
        (list(range(21)), [], ["y"]),
        ([0.5, 1.5], [], ["y"]),
        (["no", "yes"], ["no", "yes"], []),
        (["true", "false"], ["0", "1"], []),
    ],
)
def test_the_type_of_the_target_says_what_it_is(
    values: list[object], labels: list[str], targets: list[str], read_as: Read
) -> None:
    content = "a,y,b\n" + "".join(f"{row},{values[row % len(values)]},1\n" for row in range(63))
    schema = read_as("table", content)[0].schema
    assert (schema.labels, schema.targets) == (labels, targets)


def test_what_is_predicted_can_be_chosen(read_as: Read) -> None:
    several = read_as("table", TABLE, target=["size", "count"])[0].schema
    assert (several.targets, [column.name for column in several.columns]) == (
        ["size", "count"],
        ["colour", "species"],
    )
    assert read_as("table", TABLE, target=["count"])[0].schema.labels == ["0", "1", "2"]
    assert read_as("table", TABLE, target=["count"], target_kind="values")[0].schema.targets == ["count"]
    nothing = read_as("table", TABLE, target_kind="none")[0]
    assert (len(nothing.schema.columns), nothing.schema.labels, nothing.schema.targets) == (4, [], [])


def test_a_target_that_was_guessed_is_told(read_as: Read) -> None:
    reading = read_as("table", TABLE)[0]
    assert reading.schema.labels == ["a", "b"]
    assert "the last column, 'species'" in reading.warnings[0]


def test_columns_are_ignored_or_read_as_categories_if_asked(read_as: Read) -> None:
    content = TABLE.replace("count,", "code,").replace(",0,", ",007,")
    schema = read_as("table", content, target=["species"], ignore=["size"], categories=["code"])[0].schema
    assert [column.name for column in schema.columns] == ["colour", "code"]
    assert set(schema.columns[1].categories) == {"007", "1", "2"}


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_sign_between_values_is_found(delimiter: str, read_as: Read) -> None:
    content = "\ufeff" + TABLE.replace(",", delimiter).replace("\n", "\r\n")
    assert len(read_as("table", content)[0].schema.columns) == 3


def test_a_missing_number_is_nan_and_an_empty_column_is_left_out(read_as: Read) -> None:
    content = "a,b,y\n" + "1,,0\n,,1\n" * 10
    reading, arrays = read_as("table", content)
    assert np.isnan(arrays["x"][:, 0]).sum() == 10
    assert [column.name for column in reading.schema.columns] == ["a"]
    assert any("left out: 'b'" in warning for warning in reading.warnings)


def test_dates_are_days(read_as: Read) -> None:
    reading, arrays = read_as("table", "day,y\n" + "1970-01-03,0\n1970-01-04,1\n" * 10)
    assert arrays["x"][:2, 0].tolist() == [2, 3]
    assert "days since 1970-01-01" in reading.warnings[0]


def test_columns_that_name_rows_are_told(read_as: Read) -> None:
    content = "name,y\n" + "".join(f"person {row},{row % 2}\n" for row in range(80))
    assert "80 different texts" in read_as("table", content)[0].warnings[0]


def test_rows_are_split_by_time(read_as: Read) -> None:
    content = "when,a,y\n" + "".join(f"2024-01-{1 + row * 7 % 31:02},{row},0.5\n" for row in range(31))
    reading, arrays = read_as("table", content, split="last", split_column="when", test_fraction=0.1)
    days = np.array([row * 7 % 31 for row in range(31)])
    assert sorted(days[arrays["test"]].tolist()) == [27, 28, 29, 30]
    assert [column.name for column in reading.schema.columns] == ["a"]
    assert reading.split["split_column"] == "when"


def test_rows_of_one_value_stay_together(read_as: Read) -> None:
    def tests(people: int) -> set[int]:
        content = "person,a,y\n" + "".join(f"p{row % people},{row},0.5\n" for row in range(200))
        _, arrays = read_as("table", content, split="hash", split_column="person", test_fraction=0.3)
        chosen = set((arrays["test"] % people).tolist())
        assert len(arrays["test"]) == sum(row % people in chosen for row in range(200))
        return chosen

    # Somebody keeps the side when more rows come.
    assert tests(20) == {person for person in tests(40) if person < 20}


def test_parquet_is_read_like_text(read_as: Read) -> None:
    columns = {
        "size": [row / 4 for row in range(40)],
        "colour": [COLOURS[row % 4] or None for row in range(40)],
        "count": [row % 3 for row in range(40)],
        "species": ["ab"[row % 2] for row in range(40)],
    }
    (read, arrays), (as_text, expected) = (
        read_as("table", content, target=["species"]) for content in (parquet(**columns), TABLE)
    )
    assert read.schema == as_text.schema
    np.testing.assert_array_equal(arrays["x"], expected["x"])
    assert read.digest == as_text.digest


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "first line is empty"),
        ("\n\n", "first line is empty"),
        ("1,2,3\n" * 20, "should name the columns"),
        ("a,a\n" + "1,2\n" * 20, "Two columns are called 'a'"),
        ("a,\n" + "1,2\n" * 20, "Column 2 is called ''"),
        ("a,b\n" + "1,2\n" * 20 + "1,2,3\n", "line 22 has 3 columns; 2 were expected"),
        ("a,b\n" + "1,2\n" * 5, "at least 10"),
        ("a,b\n" + "1,2\n" * 20 + "3,\n", "The target 'b' is missing in 1 rows, first in row 20"),
        ("a,b\n" + "inf,x\n1,y\n" * 20, "The column 'a' holds a number that is infinite"),
        ("b\n" + "x\ny\n" * 20, "No column is left"),
        ("a,b\n" + ("x" * 70_000 + ",1\n") * 20, "text of 70,000 bytes"),
        ("a\0,b\n" + "1,2\n" * 20, "zero bytes"),
        (TABLE.encode("utf-16"), "zero bytes"),
        (b"\xff,b\n" + b"1,2\n" * 20, "not UTF-8"),
        (b"a,b\n" + b"\xff,2\n" * 20, "The column 'a' holds bytes that are no UTF-8 text"),
        (",".join(f"c{column}" for column in range(5000)) + "\n", "5,000 columns; at most 4,096"),
        ("a,b\n1,2\n" + "x" * 20_000_000 + ",1\n", "line is longer"),
        ("x" * 1_000_000, "first line is longer"),
        (b"PAR1" + b"x" * 1000 + b"PAR1", "The Parquet file cannot be read"),
        (parquet(a=[[1]] * 20, b=[1] * 20), "The column 'a' holds 'list"),
        (parquet(a=[b"x"] * 20, b=[1] * 20), "The column 'a' holds bytes that are no UTF-8 text"),
        (b"PK\x03\x04" + b"x" * 100, "A table, .csv, .tsv or .parquet, was expected"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes | str, told: str, refused: Refused) -> None:
    assert told in refused("table", content).message


@pytest.mark.parametrize("option", ["target", "categories", "ignore"])
def test_a_column_that_is_not_there_is_refused(option: str, refused: Refused) -> None:
    error = refused("table", TABLE, **{option: ["colr"]})
    assert error.field == f"options.{option}"
    assert "'size', 'colour'" in error.message


def test_a_table_is_bounded_by_its_counts(refused: Refused) -> None:
    assert "values fit" in refused("table", TABLE, max_bytes=1000).message
    # A small file says that there are ten million rows.
    large = parquet(a=np.zeros(10**7, np.int8), b=np.zeros(10**7, np.int8))
    assert len(large) < 100_000
    assert "values fit" in refused("table", large, max_bytes=10**7).message


def test_long_texts_of_a_column_do_not_multiply(refused: Refused) -> None:
    content = parquet(a=["x" * 1_000_000] * 2000, b=[0, 1] * 1000)
    assert "text of 1,000,000 bytes" in refused("table", content).message


def test_damaged_parquet_is_refused_or_survived(read_as: Read) -> None:
    whole = parquet(a=[row / 3 for row in range(40)], b=["x", "y"] * 20)
    random = np.random.default_rng(0)
    for _ in range(200):
        body = bytearray(whole)
        for place in random.integers(4, len(body) - 4, 3):
            body[place] = random.integers(256)
        try:
            reading, _ = read_as("table", bytes(body))
        except BadData:
            continue
        assert reading.schema.kind == "table"


@pytest.mark.parametrize(
    ("name", "rows", "columns", "labels", "targets"),
    [
        ("iris", 150, 4, 3, 0),
        ("wine", 178, 13, 3, 0),
        ("breast-cancer", 569, 30, 2, 0),
        ("diabetes", 442, 10, 0, 1),
    ],
)
def test_tables_come_with_the_service(
    name: str, rows: int, columns: int, labels: int, targets: int, tmp_path
) -> None:
    source = read_builtin(name, "table", ReadingOptions(), tmp_path)
    schema = write_canonical(source, ReadingOptions(), tmp_path, 10**7).schema
    assert (schema.rows, schema.shape) == (rows, (columns,))
    assert (len(schema.labels), len(schema.targets)) == (labels, targets)


def test_every_builtin_has_a_kind_and_a_reader(tmp_path) -> None:
    assert set(BUILTINS) == set(BUILTIN_KINDS)
    with pytest.raises(BadData, match="is of the kind table"):
        read_builtin("iris", "images", ReadingOptions(), tmp_path)


def test_numbers_with_a_few_mistakes_are_text_with_a_warning(read_as: Read) -> None:
    rows = "".join(f"{row},{row % 3},{'ab'[row % 2]}\n" for row in range(60))
    content = f"size,plot,kind\n{rows}1.5 m,x,a\n,x,b\n,x,a\n,x,b\n"
    warnings = read_as("table", content)[0].warnings
    assert (
        "'size' is read as text, for in 1 rows it holds no number, first '1.5 m' in row 60. If it should be"
        " numbers, mend these." in warnings
    )
    # Four of 64 are no longer a few, and what is asked to be text is no mistake.
    assert not any("'plot' is read as text" in warning for warning in warnings)
    assert not any(
        "is read as text" in told for told in read_as("table", content, categories=["size"])[0].warnings
    )
