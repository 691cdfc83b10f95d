"""``keraforge datasets``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

import keraforge
from keraforge.cli.output import JsonFlag, moment, notes, print_facts, print_json, print_table
from keraforge.cli.references import name_and_number
from keraforge.cli.train import parsed

app = typer.Typer(no_args_is_help=True, help="Datasets: register, upload, list, show, delete.")

Kind = Annotated[
    str | None, typer.Option(help="images, table, sequences, text or vectors.", show_default=False)
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=JSON",
        help="How rows are read, such as target=species, layout=corpus or range=[0,255]; repeatable.",
    ),
]
# Options that are lists, even of one.
_LISTS = ("labels", "range", "size", "target", "categories", "ignore")
TestFraction = Annotated[
    float | None, typer.Option(help="Share of the rows that are kept for the test.", show_default="0.2")
]
Seed = Annotated[int | None, typer.Option(help="Seed of the split.", show_default="0")]
Wait = Annotated[bool, typer.Option(help="Wait until it is ready.")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Name of the dataset.")],
    *,
    builtin: Annotated[
        str | None,
        typer.Option(
            help="digits, iris, wine, breast-cancer or diabetes, which come with the service;"
            " mnist, fashion-mnist, cifar10 or imdb, which are fetched."
        ),
    ] = None,
    kind: Kind = None,
    options: Options = None,
    test_fraction: TestFraction = None,
    seed: Seed = None,
    wait: Wait = True,
    as_json: JsonFlag = False,
) -> None:
    """Create a dataset, empty or from what comes with the service.

    ```
    keraforge datasets create digits --builtin digits
    ```
    """
    with keraforge.Client() as client:
        chosen = _options(test_fraction, seed, options) or None
        dataset = client.datasets.create(name, kind=kind, builtin=builtin, options=chosen)
        if builtin is None or not wait:
            _show_dataset(dataset, as_json)
        else:
            _show_version(client.datasets.wait(name), as_json)


@app.command("upload")
def upload(
    name: Annotated[str, typer.Argument(help="Name of the dataset; created if there is none.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            help="A file, or several to send as one zip.", exists=True, dir_okay=False, readable=True
        ),
    ],
    *,
    kind: Kind = None,
    options: Options = None,
    test_fraction: TestFraction = None,
    seed: Seed = None,
    wait: Wait = True,
    as_json: JsonFlag = False,
) -> None:
    """Upload a file as a new version of a dataset.

    Images: `.npz` with `x` and `y`, a zip of pictures with a folder for each class, or IDX files as MNIST
    ships them. Tables: `.csv`, `.tsv`, `.parquet`. Text: `.txt`, `.jsonl`, or a zip of `.txt` files with a
    folder for each class. Sequences and vectors: `.npz` or `.npy`, with `--kind`.

    ```
    keraforge datasets upload letters letters.npz
    keraforge datasets upload plants plants.csv --set target=species
    keraforge datasets upload book book.txt --set layout=corpus --set tokens=character
    ```
    """
    columns = (TextColumn("Uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with keraforge.Client() as client:
        with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
            bar = progress.add_task("upload", total=sum(file.stat().st_size for file in files))
            version = client.datasets.upload(
                name,
                *files,
                kind=kind,
                options=_options(test_fraction, seed, options),
                on_sent=lambda count: progress.advance(bar, count),
            )
        if wait:
            version = client.datasets.wait(name, version.number)
        _show_version(version, as_json)


@app.command("list")
def list_datasets(as_json: JsonFlag = False) -> None:
    """List all datasets with their latest versions."""
    with keraforge.Client() as client:
        datasets = client.datasets.list(limit=None)
    if as_json:
        print_json([dataset.raw for dataset in datasets])
        return
    print_table(
        ("Name", "Kind", "Latest", "State", "Rows", "Shape", "Target", "Created"),
        (_row(dataset) for dataset in datasets),
        empty="No datasets yet. Create one: keraforge datasets create digits --builtin digits",
    )


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="NAME or NAME@NUMBER.")], as_json: JsonFlag = False
) -> None:
    """Show a dataset's latest version, or the one named, for example digits@2."""
    dataset, number = name_and_number(name)
    with keraforge.Client() as client:
        if number is not None:
            _show_version(client.datasets.version(dataset, number), as_json)
            return
        found = client.datasets.get(dataset)
    if found.latest is not None:
        _show_version(found.latest, as_json)
    else:
        _show_dataset(found, as_json)


@app.command("delete")
def delete(name: Annotated[str, typer.Argument(help="NAME with all its versions, or NAME@NUMBER.")]) -> None:
    """Delete a dataset or one version of it; refused while something uses it."""
    with keraforge.Client() as client:
        client.datasets.delete(*name_and_number(name))


def _options(test_fraction: float | None, seed: int | None, sent: list[str] | None) -> dict[str, Any]:
    chosen: dict[str, Any] = {"test_fraction": test_fraction, "seed": seed}
    for assignment in sent or []:
        name, value = parsed(assignment)
        chosen[name] = [value] if name in _LISTS and not isinstance(value, list) else value
    return {name: value for name, value in chosen.items() if value is not None}


def _row(dataset: keraforge.Dataset) -> tuple[object, ...]:
    latest = dataset.latest
    schema = (latest and latest.schema) or {}
    return (
        dataset.name,
        dataset.kind,
        latest and latest.number,
        latest and latest.state,
        schema.get("rows"),
        _shape(schema) or None,
        _target(schema) or None,
        moment(dataset.created_at),
    )


def _target(schema: Mapping[str, Any]) -> str:
    labels, targets = schema.get("labels") or (), schema.get("targets") or ()
    return (
        f"{len(labels)} classes" if labels else ", ".join(targets[:3]) + (", …" if len(targets) > 3 else "")
    )


def _shape(schema: Mapping[str, Any]) -> str:
    return "x".join(map(str, schema.get("shape", ())))


def _show_dataset(dataset: keraforge.Dataset, as_json: bool) -> None:
    if as_json:
        print_json(dataset.raw)
    else:
        print_facts(
            [("Dataset", dataset.name), ("Kind", dataset.kind), ("Created", moment(dataset.created_at))]
        )


def _show_version(version: keraforge.DatasetVersion, as_json: bool) -> None:
    if as_json:
        print_json(version.raw)
        return
    schema, error = version.schema or {}, version.error or {}
    print_facts(
        [
            ("Dataset", version.name),
            ("Kind", schema.get("kind")),
            ("State", version.state),
            ("Rows", schema.get("rows")),
            ("Test rows", schema.get("test_rows")),
            ("Shape", _shape(schema)),
            ("Labels", schema.get("labels")),
            ("Targets", schema.get("targets")),
            ("Columns", [column["name"] for column in schema.get("columns") or ()]),
            ("Digest", version.digest),
            ("Warnings", version.warnings),
            ("Error", error.get("message")),
        ]
    )
