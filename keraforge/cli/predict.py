"""``keraforge predict``."""

from typing import Annotated

import typer

import keraforge
from keraforge.cli.asking import FilesArgument, ModelArgument, RowsOption, ask_each, named, raw, sources
from keraforge.cli.output import JsonFlag, print_json, print_table
from keraforge.cli.references import version_or_alias
from keraforge.client.answers import Invert, Prediction


def predict(
    model: ModelArgument,
    files: FilesArgument = None,
    *,
    rows: RowsOption = None,
    text: Annotated[
        list[str] | None, typer.Option(help="A text to be judged or continued; repeatable.")
    ] = None,
    invert: Annotated[
        Invert | None, typer.Option(help="Exchange light and dark of pictures: auto, yes or no.")
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Show so many of the most probable.", min=1)] = None,
    attention: Annotated[
        bool, typer.Option("--attention", help="Ask for the weights of attention, which --json shows.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Ask a model for classes, values, forecasts, or the next token of a text.

    ```
    keraforge predict digits seven.png
    keraforge predict digits pictures.zip
    keraforge predict houses houses.csv
    keraforge predict reviews --text "a film that nobody will forget" --top-k 3
    keraforge predict digits@2 --rows rows.json --json
    ```
    """
    name, version, alias = version_or_alias(model)
    sent = sources(files, rows, text or [])
    with keraforge.Client() as client:
        answers = ask_each(
            sent,
            lambda each: client.predict(
                name, each, version=version, alias=alias, invert=invert, top_k=top_k, attention=attention
            ),
        )
    if as_json:
        print_json(raw(answers))
        return
    shown = [each for source, answer in answers for each in named(source, answer.predictions, answer.files)]
    if any(row.label is not None for _, row in shown):
        columns: tuple[str, ...] = ("", "Answer", "Probability")
    else:
        columns = ("", ", ".join(answers[0][1].targets) or "Answer")
    print_table(columns, ((what, *_cells(row)) for what, row in shown), empty="No rows.")


def _cells(row: Prediction) -> tuple[object, ...]:
    if row.label is None:
        return (row.values if row.value is None else row.value,)
    best = [(each.label, each.probability) for each in row.top] or [(row.label, row.probability or 0.0)]
    return (
        # A sign that cannot be seen is shown as it would be typed.
        ", ".join(label if label.strip() else repr(label) for label, _ in best),
        ", ".join(f"{probability:.1%}" for _, probability in best),
    )
