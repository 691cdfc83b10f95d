"""Texts: lines, JSON lines, one long corpus, and zipped folders of text files."""

import io
import json
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

Read = Callable[..., tuple]
Refused = Callable[..., object]

LINES = "".join(f"The cat sat {number % 3}.\n" for number in range(20))


def zipped(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def json_lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_each_line_is_a_document_of_words(read_as: Read) -> None:
    reading, arrays = read_as("text", "\ufeff" + LINES + "\n", "notes.txt")
    schema = reading.schema
    assert (schema.kind, schema.rows, schema.shape, schema.dtype) == ("text", 20, (5,), "int32")
    assert (schema.labels, schema.text.tokens, schema.text.lowercase) == ([], "word", True)
    # the, cat, sat, the full stop and three digits, behind padding and unknown.
    assert schema.text.vocabulary == 9
    assert reading.profile["top"]["cat"] == 20 - len(arrays["test"])
    assert not schema.variable_length
    assert "y" not in arrays
    # A blank line is nothing to be told of; that there are only three different lines is.
    assert len(reading.warnings) == 1
    assert reading.profile["duplicates"] == 17


def test_json_lines_bring_classes_and_rows_are_padded(read_as: Read) -> None:
    rows = [{"text": "good " * (1 + number % 4), "label": "ab"[number % 2]} for number in range(40)]
    reading, arrays = read_as("text", json_lines(*rows), "reviews.jsonl", length=3)
    assert reading.schema.labels == ["a", "b"]
    assert reading.schema.variable_length
    assert arrays["x"][:4].tolist() == [[2, 0, 0], [2, 2, 0], [2, 2, 2], [2, 2, 2]]
    assert arrays["y"][:4].tolist() == [0, 1, 0, 1]
    assert (reading.profile["cut"], reading.profile["lengths"]["max"]) == (10, 4)
    assert reading.profile["classes"] == {"a": 20, "b": 20}


def test_numbers_as_labels_are_values_when_one_is_a_fraction(read_as: Read) -> None:
    rows = [{"text": f"word {number}", "label": 1.5 if number == 3 else number} for number in range(12)]
    reading, arrays = read_as("text", json_lines(*rows))
    assert (reading.schema.labels, reading.schema.targets) == ([], ["label"])
    assert arrays["y"].dtype == np.float32


def test_the_vocabulary_knows_only_the_training_rows(read_as: Read) -> None:
    rows = [{"text": f"common word{number}"} for number in range(20)]
    reading, arrays = read_as("text", json_lines(*rows), test_fraction=0.25)
    test = arrays["test"]
    assert (arrays["x"][test][:, 1] == 1).all()
    trains = np.delete(np.arange(20), test)
    assert (arrays["x"][trains][:, 1] >= 2).all()
    assert reading.schema.text.vocabulary == 2 + 1 + 15


def test_rarer_tokens_than_the_vocabulary_holds_are_unknown(read_as: Read) -> None:
    reading, arrays = read_as("text", "a a b c\n" * 20, vocabulary=4)
    assert sorted(set(arrays["x"].ravel().tolist())) == [1, 2, 3]
    assert reading.profile["unknown"] == pytest.approx(1 / 4)
    assert any("larger vocabulary" in warning for warning in reading.warnings)


def test_a_corpus_is_cut_into_blocks_of_which_the_last_are_for_the_test(read_as: Read) -> None:
    text = "".join(chr(97 + number % 26) for number in range(1000))
    reading, arrays = read_as("text", text, "book.txt", layout="corpus", tokens="character", length=9)
    assert arrays["x"].shape == (100, 10)
    assert arrays["test"].tolist() == list(range(80, 100))
    assert reading.split["method"] == "last"
    # Blocks follow each other without a gap and without an overlap.
    flat = arrays["x"].ravel()
    steps = (flat[26:] - flat[:-26])[:900]
    assert (steps == 0).all()
    assert len(set(flat[:26].tolist())) == 26


def test_a_corpus_without_line_ends_is_read_in_pieces(read_as: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.reading.text_files._PIECE_CHARACTERS", 7)
    text = "ab\u00e9d\n" * 30
    whole = read_as("text", text, layout="corpus", tokens="character", length=4)
    assert whole[1]["x"].shape == (30, 5)
    assert len({tuple(row) for row in whole[1]["x"].tolist()}) == 1
    # The last block may be shorter than the others; a letter that only the test rows hold is unknown.
    longer = read_as("text", text + "abc", layout="corpus", tokens="character", length=4)
    assert longer[1]["x"][-1].tolist() == [*whole[1]["x"][0][:2], 1, 0, 0]


def test_a_zip_of_text_files_has_a_class_for_each_folder(read_as: Read) -> None:
    files = {f"mail/{label}/{number}.txt": f"{label} {number}" for label in "xy" for number in range(10)}
    content = zipped({**files, "mail/readme.md": "no row", "__MACOSX/mail/x/._0.txt": "no row"})
    reading, arrays = read_as("text", content, "mail.zip")
    assert (reading.schema.labels, reading.schema.rows) == (["x", "y"], 20)
    assert arrays["y"].tolist() == [0] * 10 + [1] * 10
    assert any("Not used: 1 files" in warning for warning in reading.warnings)


def test_folders_train_and_test_fix_the_test_rows(read_as: Read) -> None:
    files = {
        f"{split}/{label}/{number}.txt": f"{label} {split} {number}"
        for split, count in (("test", 3), ("train", 9))
        for label in "xy"
        for number in range(count)
    }
    reading, arrays = read_as("text", zipped(files))
    assert reading.split["method"] == "given"
    assert arrays["test"].tolist() == list(range(18, 24))
    assert arrays["y"].tolist() == [0] * 9 + [1] * 9 + [0] * 3 + [1] * 3


def test_one_folder_called_test_is_not_a_split(read_as: Read) -> None:
    files = {f"test/{label}/{number}.txt": f"{label} {number}" for label in "xy" for number in range(6)}
    reading, _ = read_as("text", zipped(files))
    assert (reading.schema.labels, reading.split["method"]) == (["x", "y"], "stratified")


@pytest.mark.parametrize(
    ("content", "filename", "options", "told"),
    [
        ('{"text": "a"}\n{"text": \n', "a.jsonl", {}, "Line 2 is not JSON"),
        ('{"text": "a"}\n{"body": "b"}\n', "a.jsonl", {}, "Line 2 has no `text`"),
        ('{"text": "a", "label": NaN}\n', "a.jsonl", {}, "Line 1 is not JSON"),
        ('{"text": "a", "label": [1]}\n', "a.jsonl", {}, "Line 1 has the label [1]"),
        ('{"text": "a", "label": "x"}\n{"text": "b"}\n', "a.jsonl", {}, "Line 2 has no label"),
        ('{"text": "a", "label": true}\n{"text": "b", "label": 1}\n', "a.jsonl", {}, "Line 2 has a number"),
        ('{"text": "\\ud800"}\n', "a.jsonl", {}, "half of a surrogate pair"),
        ("[" * 100_000, "a.jsonl", {}, "Line 1 is not JSON"),
        (b"fine\n\xff\xfe\n", "a.txt", {}, "line 2 is not UTF-8"),
        (b"fine\nnot\0fine\n", "a.txt", {}, "zero byte stands in line 2"),
        (b"fine\n\xff\n", "a.txt", {"layout": "corpus"}, "is not UTF-8"),
        (b"fine\nnot\0fine\n", "a.txt", {"layout": "corpus"}, "zero byte stands in line 2"),
        ("a\nb\n", "a.txt", {}, "There are 2 documents; at least 10"),
        ("a b c", "a.txt", {"layout": "corpus"}, "3 tokens, 1 blocks of 129"),
        ('{"text": "a"}\n', "a.jsonl", {"layout": "corpus"}, "A corpus is one .txt file"),
        (LINES, "a.txt", {"labels": ["x", "y"]}, "the rows have no target"),
        (zipped({"a/1.txt": "a", "2.txt": "b"}), "a.zip", {}, "'2.txt' is in no folder of a class"),
        (zipped({"a/1.md": "a"}), "a.zip", {}, "no file that ends in .txt"),
        (zipped({"a/1.txt": "a\0"}), "a.zip", {}, "zero byte stands in 'a/1.txt'"),
        (b"PK\x03\x04nothing", "a.zip", {}, "not a whole zip archive"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(
    content: bytes | str, filename: str, options: dict[str, object], told: str, refused: Refused
) -> None:
    assert told in refused("text", content, filename, **options).message


def test_a_line_without_end_is_refused(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.reading.text_files.MAX_LINE_BYTES", 30)
    error = refused("text", LINES + "x" * 31)
    assert "Line 21 is longer than 30 bytes" in error.message


def test_more_tokens_than_fit_are_refused(refused: Refused) -> None:
    assert "more than 25 tokens" in refused("text", LINES, max_bytes=100).message
    assert "more than 25 tokens" in refused("text", LINES, max_bytes=100, layout="corpus").message


def test_an_archive_that_would_unpack_to_too_much_is_refused(refused: Refused) -> None:
    content = zipped({f"a/{number}.txt": "word " * 1000 for number in range(20)})
    assert "100,000 bytes unpacked; at most 99,999" in refused("text", content, max_bytes=99_999).message
