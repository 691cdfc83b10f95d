"""Uploads of text: ``.txt``, ``.jsonl``, and zipped folders of text files, one folder for each class."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from models.reading.collecting import Documents
from models.reading.errors import BadData, shown
from models.reading.folders import open_folders
from models.reading.limits import MAX_LINE_BYTES, MAX_TEXT_BYTES, MAX_VALUE
from models.reading.options import ReadingOptions
from models.reading.source import Source
from models.reading.upload import Upload

_UTF8 = "Save it as UTF-8."
_JSON_HINT = 'Each line should be an object such as {"text": "Well made.", "label": "good"}.'
# A corpus is read in pieces of this many characters and the rest of the line.
_PIECE_CHARACTERS = 1_000_000
_MARK = "\ufeff"


def read_text_file(upload: Upload, options: ReadingOptions) -> Source:
    """Read one document a line, or one long corpus, without targets."""
    documents = Documents(options, upload.max_bytes)
    if options.layout == "corpus":
        for piece in _pieces(upload.path):
            documents.add_corpus(piece)
        return documents.corpus()
    for _, line in _lines(upload.path):
        documents.add(line)
    # A blank line is no document, but a way to set lines apart.
    documents.empty = 0
    return documents.source(None)


def read_json_lines(upload: Upload, options: ReadingOptions) -> Source:
    """Read an object a line: its ``text``, and its ``label`` if all have one: text, or a number."""
    _require_documents(options, ".jsonl")
    documents = Documents(options, upload.max_bytes)
    labels: list[Any] = []
    weights: list[float] = []
    for number, line in _lines(upload.path):
        if not line.strip():
            continue
        found = _parsed(line, number)
        text, label = found["text"], found.get("label")
        weight = _weight(found, options.weight, number)
        if labels and _described(label) != _described(labels[0]):
            raise BadData(
                f"Line {number} has {_described(label)}, but the first has {_described(labels[0])}.",
                "All lines should have labels of one type, or none.",
                "label",
            )
        if documents.add(text):
            labels.append(label)
            weights.append(weight)
    labelled = bool(labels) and labels[0] is not None
    source = documents.source(np.array(labels) if labelled else None)
    if options.weight is None:
        return source
    return replace(source, rows=replace(source.rows, weights=np.array(weights), weights_name=options.weight))


def read_text_folders(upload: Upload, options: ReadingOptions) -> Source:
    """Read a document from each ``.txt`` file of a zip archive; its folder names its class."""
    _require_documents(options, "a zip of text files")
    documents = Documents(options, upload.max_bytes)
    labels, train = [], 0
    with open_folders(upload.path, min(upload.max_bytes, MAX_TEXT_BYTES), {".txt"}) as folders:
        for entry in folders.entries:
            if documents.add(_decoded(folders.read(entry), shown(entry.name))):
                labels.append(entry.label)
                train += not entry.is_test
        warnings = folders.warnings
    labelled = bool(labels) and labels[0] is not None
    return documents.source(
        np.array(labels) if labelled else None, train if train < len(labels) else None, warnings
    )


def _parsed(line: str, number: int) -> dict[str, Any]:
    """Return the object of a line, of which text and label are as they should be."""
    try:
        found = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadData(f"Line {number} is not JSON: {shown(line)}.", _JSON_HINT) from None
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise BadData(f"Line {number} has no `text` that is a string: {shown(line)}.", _JSON_HINT, "text")
    label = found.get("label")
    if label is not None and (
        not isinstance(label, str | int | float) or (isinstance(label, int) and abs(label) >= 2**63)
    ):
        raise BadData(
            f"Line {number} has the label {shown(label)}; text or a number was expected.", _JSON_HINT
        )
    try:
        found["text"].encode()
    except UnicodeEncodeError:
        raise BadData(f"Line {number} holds half of a surrogate pair, which is no text.", None) from None
    return found


def _weight(found: dict[str, Any], name: str | None, number: int) -> float:
    weight: Any = 1.0 if name is None else found.get(name)
    if type(weight) not in (int, float) or not 0 <= weight <= MAX_VALUE:
        raise BadData(
            f"Line {number} has the weight {shown(weight)}; {shown(name)} should be a number from 0 to"
            f" {MAX_VALUE:g}.",
            "A line that should count as others do weighs 1.",
            name or "",
        )
    return float(weight)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _described(label: object) -> str:
    names = {str: "text as its label", int: "a number as its label", float: "a number as its label"}
    return names.get(type(label), "no label" if label is None else "a truth value as its label")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file, and their numbers from 1 on."""
    _check_size(path)
    with path.open("rb") as file:
        for number in count(1):
            line = file.readline(MAX_LINE_BYTES + 1)
            if len(line) > MAX_LINE_BYTES:
                raise BadData(
                    f"Line {number} is longer than {MAX_LINE_BYTES:,} bytes.",
                    "One long text is read with options.layout=corpus.",
                )
            if not line:
                return
            text = _decoded(line, f"line {number}")
            yield number, (text.removeprefix(_MARK) if number == 1 else text).rstrip("\r\n")


def _pieces(path: Path) -> Iterator[str]:
    """Yield a whole text in large pieces, cut at the ends of lines unless lines are as long as a piece."""
    _check_size(path)
    # Line ends as they are: a carriage return is a character like others.
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        number = 1
        while True:
            try:
                text = file.read(_PIECE_CHARACTERS) + file.readline(_PIECE_CHARACTERS)
            except UnicodeDecodeError:
                raise BadData(f"What stands in line {number} or behind it is not UTF-8.", _UTF8) from None
            if not text:
                return
            if "\0" in text:
                line = number + text.partition("\0")[0].count("\n")
                raise BadData(f"A zero byte stands in line {line}: that is no UTF-8 text.", _UTF8)
            yield text
            number += text.count("\n")


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size > MAX_TEXT_BYTES:
        raise BadData(f"The text is {size:,} bytes; at most {MAX_TEXT_BYTES:,} are read.", "Send less of it.")


def _decoded(content: bytes, where: str) -> str:
    if b"\0" in content:
        raise BadData(f"A zero byte stands in {where}: that is no UTF-8 text.", _UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise BadData(f"What stands in {where} is not UTF-8.", _UTF8) from None


def _require_documents(options: ReadingOptions, what: str) -> None:
    if options.layout == "corpus":
        raise BadData(f"A corpus is one .txt file; this is {what}.", None, "options.layout")
