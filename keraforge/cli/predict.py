"""``keraforge predict``."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import keraforge
from keraforge.cli.output import JsonFlag, print_json, print_table
from keraforge.cli.references import version_or_alias
from keraforge.client.records import Invert, Predictions


def predict(
    model: Annotated[str, typer.Argument(help="NAME, NAME@NUMBER or NAME@ALIAS.")],
    images: Annotated[
        list[Path] | None, typer.Argument(help="PNG or JPEG files.", exists=True, dir_okay=False)
    ] = None,
    rows: Annotated[
        str | None, typer.Option(help='A JSON file of rows, or of {"instances": rows}; - is standard input.')
    ] = None,
    invert: Annotated[Invert | None, typer.Option(help="Exchange light and dark: auto, yes or no.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask a model.

    ```
    keraforge predict digits seven.png
    keraforge predict digits@2 --rows rows.json --json
    ```
    """
    name, version, alias = version_or_alias(model)
    if bool(images) == (rows is not None):
        raise typer.BadParameter("give either image files or --rows")
    with keraforge.Client() as client:
        if rows is not None:
            answer = client.predict(name, _read(rows), version=version, alias=alias)
            answers = [(f"row {number}", one) for number, one in enumerate(answer.predictions)]
            raw: Any = answer.raw
        else:
            asked = [
                (str(image), _ask(client, name, image, version=version, alias=alias, invert=invert))
                for image in images or ()
            ]
            answers = [(image, answer.predictions[0]) for image, answer in asked]
            raw = [{"file": image, **answer.raw} for image, answer in asked]
    if as_json:
        print_json(raw)
    else:
        print_table(
            ("", "Answer", "Probability"),
            ((what, one.label, f"{one.probability:.1%}") for what, one in answers),
            empty="No rows.",
        )


def _ask(client: keraforge.Client, name: str, image: Path, **chosen: Any) -> Predictions:
    try:
        return client.predict_image(name, image, **chosen)
    except keraforge.Refused as error:
        error.detail = f"{image}: {error.detail}"
        raise


def _read(source: str) -> Any:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        rows = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{source} cannot be read as JSON: {error}") from error
    return rows.get("instances") if isinstance(rows, dict) else rows
