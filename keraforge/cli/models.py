"""``keraforge models``."""

from typing import Annotated, Any

import typer

import keraforge
from keraforge.cli.output import JsonFlag, moment, print_facts, print_json, print_table
from keraforge.cli.references import name_and_number

ForceFlag = Annotated[bool, typer.Option(help="Even if callers must change what they send or read.")]

app = typer.Typer(no_args_is_help=True, help="Models: list, show, move aliases.")


@app.command("list")
def list_models(as_json: JsonFlag = False) -> None:
    """List all models with their latest versions."""
    with keraforge.Client() as client:
        models = client.models.list(limit=None)
    if as_json:
        print_json([model.raw for model in models])
        return
    print_table(
        ("Name", "Versions", "Latest", "Family", "Accuracy", "Aliases", "Created"),
        (_row(model) for model in models),
        empty="No models yet. Train one: keraforge train --model digits --dataset digits --preset cnn-small",
    )


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="NAME or NAME@NUMBER.")], as_json: JsonFlag = False
) -> None:
    """Show a model and its versions, or one version, for example digits@3."""
    model, number = name_and_number(name)
    with keraforge.Client() as client:
        if number is not None:
            _show_version(client.models.version(model, number), as_json)
            return
        found = client.models.get(model)
        versions = client.models.versions(model, limit=None)
    if as_json:
        print_json({**found.raw, "items": [version.raw for version in versions]})
        return
    print_table(
        ("Version", "Family", "Parameters", "Accuracy", "Dataset", "Aliases", "Job", "Created"),
        (
            (
                version.version,
                version.family,
                version.parameters,
                version.metrics.get("accuracy"),
                version.lineage.get("dataset"),
                version.aliases,
                version.lineage.get("job"),
                moment(version.created_at),
            )
            for version in versions
        ),
        empty=f"The model {model} has no version.",
    )


@app.command("alias")
def set_alias(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    alias: Annotated[str, typer.Argument(help="The alias, for example champion.")],
    version: Annotated[int, typer.Argument(help="Number of the version it shall point to.", min=1)],
    *,
    force: ForceFlag = False,
    not_worse_on: Annotated[
        str | None, typer.Option(help="Only if it is no worse than the present one on this dataset.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Point an alias at a version; what asks for the alias gets that version within a second or two.

    ```
    keraforge models alias digits champion 2
    keraforge models alias digits champion 3 --not-worse-on digits
    ```
    """
    with keraforge.Client() as client:
        moved = client.models.set_alias(name, alias, version, force=force, not_worse_on=not_worse_on)
    _show_alias(moved, as_json)


@app.command("rollback")
def roll_back_alias(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    alias: Annotated[str, typer.Argument(help="The alias.")] = "champion",
    force: ForceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Point an alias, by default champion, where it pointed before its last move.

    ```
    keraforge models rollback digits
    ```
    """
    with keraforge.Client() as client:
        moved = client.models.roll_back_alias(name, alias, force=force)
    _show_alias(moved, as_json)


def _show_alias(moved: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(moved)
    else:
        print_facts([(title, moved.get(title.lower())) for title in ("Model", "Alias", "Version")])


def _row(model: keraforge.Model) -> tuple[object, ...]:
    latest = model.latest
    return (
        model.name,
        model.versions,
        latest and latest.version,
        latest and latest.family,
        latest and latest.metrics.get("accuracy"),
        dict(model.aliases),
        moment(model.created_at),
    )


def _show_version(version: keraforge.ModelVersion, as_json: bool) -> None:
    if as_json:
        print_json(version.raw)
        return
    print_facts(
        [
            ("Model", f"{version.model}@{version.version}"),
            ("Family", version.family),
            ("Parameters", version.parameters),
            ("Metrics", dict(version.metrics)),
            ("Aliases", version.aliases),
            ("Lineage", dict(version.lineage)),
            ("Files", [file["path"] for file in version.files]),
            ("Created", moment(version.created_at)),
        ]
    )
