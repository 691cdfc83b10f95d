"""``keraforge train``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

import keraforge
from keraforge.cli.jobs import finish
from keraforge.cli.output import JsonFlag, print_json, results
from keraforge.client.records import Promote


def train(
    *,
    model: Annotated[str | None, typer.Option(help="Name under which the network is published.")] = None,
    dataset: Annotated[str | None, typer.Option(help="NAME or NAME@NUMBER of the dataset.")] = None,
    preset: Annotated[str | None, typer.Option(help="A ready-made network, for example cnn-small.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs at most.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows in one step.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is random.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=JSON", help="Any field, such as network.dropout=0.25; repeatable."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A job as JSON, to which the other options are added.", dir_okay=False)
    ] = None,
    promote: Annotated[Promote | None, typer.Option(help="When it becomes the champion.")] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Do not wait; print the job.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a network on a dataset and publish it as a new version of a model.

    What is not said comes from the preset. Ctrl-C stops the watching, not the job.

    ```
    keraforge train --model digits --dataset digits --preset cnn-small
    keraforge train --model digits --dataset digits --preset cnn-small \\
        --epochs 20 --set network.dropout=0.4 --set training.optimizer.learning_rate=0.002
    keraforge train --file job.json --detach
    ```
    """
    job = _read(file) if file else {}
    given = {
        "model": model,
        "dataset": dataset,
        "promote": promote,
        "network.preset": preset,
        "training.epochs": epochs,
        "training.batch_size": batch_size,
        "training.seed": seed,
    }
    for path, value in given.items():
        if value is not None:
            put(job, path, value)
    for assignment in set_ or ():
        path, value = parsed(assignment)
        put(job, path, value)
    _require(job)
    with keraforge.Client() as client:
        submitted = client.train(**job)
        if not detach:
            finish(client, submitted.id, as_json)
        elif as_json:
            print_json(submitted.raw)
        else:
            results().print(Text(submitted.id), soft_wrap=True)


def parsed(assignment: str) -> tuple[str, Any]:
    """Return path and value of ``network.dropout=0.25``; a value that is no JSON is taken as text."""
    path, mark, text = assignment.partition("=")
    if not mark or not path:
        raise typer.BadParameter(f"--set expects PATH=VALUE, got {assignment!r}")
    try:
        return path, json.loads(text)
    except ValueError:
        return path, text


def put(target: dict[str, Any], path: str, value: Any) -> None:
    """Set the field that a dotted path names, making the objects on the way."""
    *folders, name = path.split(".")
    for folder in folders:
        target = target.setdefault(folder, {})
        if not isinstance(target, dict):
            raise typer.BadParameter(f"{path}: {folder} is a value, it has no fields")
    target[name] = value


def _read(file: Path) -> dict[str, Any]:
    try:
        job = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{file} cannot be read as JSON: {error}") from error
    if not isinstance(job, dict):
        raise typer.BadParameter(f"{file} must hold a JSON object")
    return job


def _require(job: dict[str, Any]) -> None:
    needed = {"model": "--model", "dataset": "--dataset", "network": "--preset"}
    missing = [flag for name, flag in needed.items() if name not in job]
    if missing:
        raise typer.BadParameter(f"missing {', '.join(missing)}")
    for name in ("network", "training", "tags"):
        if not isinstance(job.get(name, {}), dict):
            raise typer.BadParameter(f"{name} must be an object with fields, it is {job[name]!r:.64}")
    known = {*needed, "training", "start_from", "promote", "priority", "tags", "notes"}
    if unknown := job.keys() - known:
        raise typer.BadParameter(f"a job has no field {', '.join(sorted(unknown))}")
