"""The card of a version: what it is, what it was trained with, how good it is. Facts only."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from models.schema import DatasetSchema
from models.signature import Task

if TYPE_CHECKING:
    from models.reports.report import Report

_WORST_CLASSES = 10
_REPORTED = {
    "test": "test rows that took no part in training",
    "validation": "validation rows, which also chose the best epoch, for there are no test rows",
    "training": "of its own training rows, for there are no others",
}
_NAMED_TARGETS = 5
_FIGURES = {
    "loss": "loss (nats)",
    "macro_f1": "macro F1",
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
    "auroc": "AUROC of the error, normal rows against the others",
    "mse": "mean squared error of a scaled value",
    "frechet_distance": "Fréchet distance (see below)",
    "variance_share": "variance of made rows, as a share of that of real rows",
    "labelled_as_asked": "share of made rows that the small classifier takes for what was asked",
    "naive_mae": "mean absolute error of the naive forecast",
    "naive_rmse": "root of the mean squared error of the naive forecast",
    "r2": "explained variance (R²)",
    "bits_per_character": "bits per character",
    "bits_per_token": "bits per token",
}
_PICTURES = {
    "confusion.png": "How often each class was taken for each other",
    "ranking.png": "What is found of each class, by what is taken for it wrongly, and by how precisely",
    "calibration.png": "How often the network is right where it is that sure",
    "worst.png": "The hardest rows",
    "residuals.png": "Predicted against true values, and how far they are apart",
    "forecasts.png": "Forecasts beside what came",
    "samples.png": "Rows that it made up",
    "samples-by-epoch.png": "What it made of the same latents, epoch by epoch",
    "reconstructions.png": "Rows, and below them what came back; the second half came back worst",
    "errors.png": "How large the errors of rows are, and the threshold",
    "codes.png": "Where the codes of rows lie",
}
# What Markdown or HTML would take for markup, in names that people gave.
_MARKUP = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>()#+-!|"})


_TASKS = {
    "classification": "tells {classes} classes apart in {rows}",
    "regression": "predicts {targets} from {rows}",
    "forecasting": "tells what comes next in {rows}",
    "generation": "writes text as it stands in {rows}",
    "reconstruction": "reduces {rows} to a few numbers, and finds those that are unusual",
    "sampling": "makes up {rows}",
}


def card(facts: Mapping[str, Any], report: "Report") -> str:
    """Return the card as Markdown.

    ``facts`` holds ``model, job, dataset, family, task, parameters, schema, rows, report_on, reported,
    epochs, best_epoch, stop_reason, training, parity, start_from, members``.
    """
    return "\n".join(
        [
            f"# {_plain(facts['model'])}",
            "",
            f"A network of the family `{facts['family']}` with {facts['parameters']:,} parameters that"
            f" {_purpose(facts['task'], facts['schema'])}.",
            "",
            "## Results",
            "",
            f"On {facts['reported']:,} {_REPORTED[facts['report_on']]}:",
            "",
            *_table(
                ("figure", "value"),
                [(_figure(name), f"{report.metrics[name]:.4f}") for name in report.metrics],
            ),
            "",
            *report.card,
            "",
            *(f"![{title}]({name})" for name, title in _PICTURES.items() if name in report.pictures),
            "",
            "## Training",
            "",
            *_table(("", ""), _training(facts)),
            "",
            "![Figures by epoch](curves.png)",
            "",
            "## Serving",
            "",
            f"What is served differs from the trained network by at most"
            f" {facts['parity']['max_difference']:.1e} on {facts['parity']['rows']:,} rows.",
            "",
        ]
    )


def weakest_classes(classes: list[Mapping[str, Any]]) -> list[str]:
    """Return the table of the classes that were told apart worst, as Markdown."""
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
        *([("started with the weights of", _plain(facts["start_from"]))] if facts.get("start_from") else []),
        *([("ensemble", f"the mean of {facts['members']} networks")] if facts.get("members") else []),
    ]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _purpose(task: Task, schema: DatasetSchema) -> str:
    targets = ", ".join(_plain(name) for name in schema.targets[:_NAMED_TARGETS])
    return _TASKS[task].format(classes=len(schema.labels), targets=targets, rows=_rows(schema))


def _rows(schema: DatasetSchema) -> str:
    shape = schema.shape
    match schema.kind:
        case "images":
            return f"images of {shape[0]} by {shape[1]} pixels, {'grey' if shape[2] == 1 else 'colour'}"
        case "vectors":
            return f"vectors of {shape[0]} numbers"
        case "sequences":
            return f"sequences of {'up to ' if schema.variable_length else ''}{shape[0]} steps"
        case "text":
            return f"texts of up to {shape[0]} {schema.text.tokens if schema.text else 'token'}s"
        case "table":
            return f"rows of {shape[0]} columns"


def _figure(name: str) -> str:
    return _FIGURES.get(name, name.replace("_", " "))


def _plain(text: object) -> str:
    return str(text).translate(_MARKUP)
