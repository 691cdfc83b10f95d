"""The card of a version: what it is, what it was trained with, how good it is. Facts only."""

from collections.abc import Mapping, Sequence
from typing import Any

_WORST_CLASSES = 10
_REPORTED = {
    "test": "test rows that took no part in training",
    "validation": "validation rows, which also chose the best epoch, for there are no test rows",
    "training": "of its own training rows, for there are no others",
}
# What Markdown or HTML would take for markup, in names that people gave.
_MARKUP = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>()#+-!|"})


def card(facts: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """Return the card as Markdown.

    ``facts`` holds ``model, job, dataset, family, parameters, shape, rows, epochs, best_epoch, stop_reason,
    training, parity``; ``report`` is that of :func:`models.evaluation.evaluate` and, as ``on``,
    for what its rows are.
    """
    return "\n".join(
        [
            f"# {_plain(facts['model'])}",
            "",
            f"A network of the family `{facts['family']}` with {facts['parameters']:,} parameters that tells"
            f" {len(report['classes'])} classes apart in images of {_by(facts['shape'])}.",
            "",
            "## Results",
            "",
            f"On {report['rows']:,} {_REPORTED[report['on']]}:",
            "",
            *_table(
                ("figure", "value"),
                [
                    ("accuracy", f"{report['accuracy']:.4f}"),
                    ("loss (nats)", f"{report['loss']:.4f}"),
                    ("macro precision", f"{report['macro']['precision']:.4f}"),
                    ("macro recall", f"{report['macro']['recall']:.4f}"),
                    ("macro F1", f"{report['macro']['f1']:.4f}"),
                ],
            ),
            "",
            *_weakest(report["classes"]),
            "",
            "![How often each class was taken for each other](confusion.png)",
            "![The hardest rows](worst.png)",
            "",
            "## Training",
            "",
            *_table(("", ""), _training(facts)),
            "",
            "![Loss and accuracy by epoch](curves.png)",
            "",
            "## Serving",
            "",
            f"`predict.onnx` differs from the trained network by at most"
            f" {facts['parity']['max_difference']:.1e} on {facts['parity']['rows']:,} rows.",
            "",
        ]
    )


def _weakest(classes: list[Mapping[str, Any]]) -> list[str]:
    weakest = sorted(classes, key=lambda each: each["f1"])[:_WORST_CLASSES]
    title = "The classes" if len(classes) <= _WORST_CLASSES else f"The {_WORST_CLASSES} weakest classes"
    rows = [
        (
            _plain(each["label"]),
            f"{each['precision']:.3f}",
            f"{each['recall']:.3f}",
            f"{each['f1']:.3f}",
            f"{each['support']:,}",
        )
        for each in weakest
    ]
    return [f"{title}, weakest first:", "", *_table(("class", "precision", "recall", "F1", "rows"), rows)]


def _training(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    training, rows = facts["training"], facts["rows"]
    return [
        ("job", _plain(facts["job"])),
        ("dataset", _plain(facts["dataset"])),
        ("rows", f"{rows['train']:,} training, {rows['validation']:,} validation, {rows['test']:,} test"),
        ("epochs", f"{facts['epochs']} of {training['epochs']}, the best was {facts['best_epoch']}"),
        ("ended because", _plain(facts["stop_reason"])),
        ("batch size", f"{training['batch_size']}"),
        ("optimizer", _plain(training["optimizer"]["name"])),
        ("seed", f"{training['seed']}"),
    ]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _by(shape: list[int]) -> str:
    height, width, channels = shape
    return f"{height} by {width} pixels, {'grey' if channels == 1 else 'colour'}"


def _plain(text: object) -> str:
    return str(text).translate(_MARKUP)
