"""``keraforge evaluate``."""

from typing import Annotated

import typer
from rich.text import Text

import keraforge
from keraforge.cli.jobs import followed
from keraforge.cli.output import JsonFlag, print_facts, print_json, results
from keraforge.cli.references import version_or_alias


def evaluate(
    version: Annotated[str, typer.Argument(help="NAME, NAME@NUMBER or NAME@ALIAS; champion by default.")],
    *,
    dataset: Annotated[str, typer.Option(help="NAME or NAME@NUMBER; its test rows are looked at.")],
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Do not wait; print the job.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Examine a version on the test rows of a dataset.

    ```
    keraforge evaluate digits --dataset digits@2
    keraforge evaluate digits@3 --dataset more-digits --json
    ```
    """
    with keraforge.Client() as client:
        name, number = _number(client, version)
        job = client.evaluate(name, number, dataset=dataset)
        if detach:
            _print_job(job, as_json)
            return
        followed(client, job.id).ensure_succeeded()
        found = client.models.evaluation(name, number, job.id)
    if as_json:
        print_json(found.raw)
        return
    print_facts(
        [
            ("Version", f"{found.model}@{found.version}"),
            ("Dataset", found.dataset),
            *((title.replace("_", " "), value) for title, value in (found.metrics or {}).items()),
            ("Files", [file["path"] for file in found.files]),
            ("Job", found.job),
        ]
    )


def _number(client: "keraforge.Client", text: str) -> tuple[str, int]:
    """Return the name and the number of the version that is meant."""
    name, number, alias = version_or_alias(text)
    if number is None:
        alias = alias or "champion"
        number = client.models.get(name).aliases.get(alias)
        if number is None:
            raise keraforge.KeraforgeError(f"The model {name} has no alias {alias}.")
    return name, number


def _print_job(job: "keraforge.Job", as_json: bool) -> None:
    if as_json:
        print_json(job.raw)
    else:
        results().print(Text(job.id), soft_wrap=True)
