"""``keraforge encode``, ``decode``, ``reconstruct`` and ``anomalies``."""

from pathlib import Path
from typing import Annotated

import typer

import keraforge
from keraforge.cli.asking import (
    FilesArgument,
    ModelArgument,
    PictureOption,
    RowsOption,
    ask_each,
    named,
    raw,
    read_rows,
    sources,
    write_picture,
)
from keraforge.cli.output import JsonFlag, print_json, print_table
from keraforge.cli.references import version_or_alias
from keraforge.client.bodies import Rows


def encode(
    model: ModelArgument, files: FilesArgument = None, rows: RowsOption = None, as_json: JsonFlag = False
) -> None:
    """Ask an autoencoder for the codes of rows.

    ```
    keraforge encode digits seven.png --json > codes.json
    ```
    """
    name, version, alias = version_or_alias(model)
    sent = sources(files, rows)
    with keraforge.Client() as client:
        answers = ask_each(sent, lambda each: client.models.encode(name, each, version=version, alias=alias))
    if as_json:
        print_json(raw(answers))
        return
    shown = [each for source, answer in answers for each in named(source, answer.codes, answer.files)]
    cells = ((what, ", ".join(f"{number:.4g}" for number in code)) for what, code in shown)
    print_table(("", "Code"), cells, empty="No rows.")


def decode(
    model: ModelArgument,
    codes: Annotated[
        str,
        typer.Argument(
            help='A .npy file, or a JSON file of codes or of {"codes": codes}; - is standard input.'
        ),
    ],
    output: PictureOption = None,
) -> None:
    """Ask an autoencoder for the rows of codes; they come as JSON, or as a picture.

    ```
    keraforge decode digits codes.json --output decoded.png
    ```
    """
    name, version, alias = version_or_alias(model)
    sent: Rows = Path(codes) if codes.endswith(".npy") else read_rows(codes, "codes")
    with keraforge.Client() as client:
        if output is not None:
            write_picture(client.models.decode_image(name, sent, version=version, alias=alias), output)
        else:
            print_json(client.models.decode(name, sent, version=version, alias=alias).raw)


def reconstruct(
    model: ModelArgument,
    files: FilesArgument = None,
    rows: RowsOption = None,
    output: PictureOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask an autoencoder for rows as it sees them, and how far that is from them.

    ```
    keraforge reconstruct digits seven.png --output seven-again.png
    ```
    """
    name, version, alias = version_or_alias(model)
    sent = sources(files, rows)
    if output is not None and len(sent) > 1:
        raise typer.BadParameter("--output takes the rows of one file")
    with keraforge.Client() as client:
        if output is not None:
            picture = client.models.reconstruct_image(name, sent[0][1], version=version, alias=alias)
            write_picture(picture, output)
            return
        answers = ask_each(
            sent, lambda each: client.models.reconstruct(name, each, version=version, alias=alias)
        )
    if as_json:
        print_json(raw(answers))
        return
    shown = (each for source, answer in answers for each in named(source, answer.errors, answer.files))
    print_table(("", "Error"), shown, empty="No rows.")


def anomalies(
    model: ModelArgument, files: FilesArgument = None, rows: RowsOption = None, as_json: JsonFlag = False
) -> None:
    """Ask an autoencoder which rows are unlike those that it was trained on.

    ```
    keraforge anomalies machines today.csv
    ```
    """
    name, version, alias = version_or_alias(model)
    sent = sources(files, rows)
    with keraforge.Client() as client:
        answers = ask_each(
            sent, lambda each: client.models.anomalies(name, each, version=version, alias=alias)
        )
    if as_json:
        print_json(raw(answers))
        return
    shown = [each for source, answer in answers for each in named(source, answer.anomalies, answer.files)]
    cells = ((what, "yes" if row.is_anomaly else "no", row.score, row.threshold) for what, row in shown)
    print_table(("", "Anomaly", "Score", "Threshold"), cells, empty="No rows.")
