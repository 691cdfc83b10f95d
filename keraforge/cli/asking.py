"""What the commands that ask a model have in common: where rows come from, and where pictures go."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

import keraforge
from keraforge.cli.output import notes
from keraforge.client.answers import Answer
from keraforge.client.bodies import Rows

ModelArgument = Annotated[str, typer.Argument(help="NAME, NAME@NUMBER or NAME@ALIAS.")]
FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(help="PNG, JPEG, .zip, .npy, .csv, .txt or .json files.", exists=True, dir_okay=False),
]
RowsOption = Annotated[
    str | None,
    typer.Option("--rows", help='A JSON file of rows, or of {"instances": rows}; - is standard input.'),
]
PictureOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write a PNG with all of them to this file.", dir_okay=False),
]

AnswerT = TypeVar("AnswerT", bound=Answer)


def sources(
    files: list[Path] | None, rows: str | None, texts: list[str] | None = None
) -> list[tuple[str, Rows]]:
    """Return what is to be sent, one request each, with the names that its rows are shown under."""
    if sum(map(bool, (files, rows is not None, texts))) != 1:
        raise typer.BadParameter("give either files or --rows" + ("" if texts is None else " or --text"))
    if rows is not None:
        return [("row", read_rows(rows, "instances"))]
    return [("text", texts)] if texts else [(str(file), file) for file in files or ()]


def ask_each(sent: list[tuple[str, Rows]], ask: Callable[[Rows], AnswerT]) -> list[tuple[str, AnswerT]]:
    """Return the answer to each source; a refusal names the file."""
    answers = []
    for name, rows in sent:
        try:
            answers.append((name, ask(rows)))
        except keraforge.Refused as error:
            if isinstance(rows, Path):
                error.detail = f"{name}: {error.detail}"
            raise
    return answers


def raw(answers: list[tuple[str, AnswerT]]) -> Any:
    """Return all answers for ``--json``: the one to rows, or one for each file."""
    if [name for name, _ in answers] in (["row"], ["text"]):
        return answers[0][1].raw
    return [{"file": name, **answer.raw} for name, answer in answers]


def named(name: str, rows: list[Any], files: list[str]) -> list[tuple[str, Any]]:
    """Return each row with its name; ``files`` are those of an archive."""
    if files:
        return list(zip(files, rows, strict=True))
    alone = len(rows) == 1 and name not in {"row", "text"}
    return [(name if alone else f"{name} {number}", row) for number, row in enumerate(rows)]


def read_rows(source: str, member: str) -> Any:
    """Return the rows of a JSON file, which may stand under ``member``."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        rows = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{source} cannot be read as JSON: {error}") from error
    return rows.get(member) if isinstance(rows, dict) else rows


def write_picture(picture: bytes, output: Path) -> None:
    """Write a PNG to a file, and say so."""
    try:
        output.write_bytes(picture)
    except OSError as error:
        raise typer.BadParameter(f"{output} cannot be written: {error.strerror}") from error
    notes.print(f"Wrote {output}.", markup=False, highlight=False)
