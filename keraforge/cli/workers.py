"""``keraforge workers``."""

from typing import Annotated

import typer

import keraforge
from keraforge.cli.output import JsonFlag, moment, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Workers, which run the jobs: list, drain.")


@app.command("list")
def list_workers(as_json: JsonFlag = False) -> None:
    """List the workers and what they run."""
    with keraforge.Client() as client:
        workers = client.workers.list()
    if as_json:
        print_json([worker.raw for worker in workers])
        return
    _print(workers)


@app.command("drain")
def drain(
    worker: Annotated[str, typer.Argument(help="Identifier of the worker, as the list shows it.")],
    as_json: JsonFlag = False,
) -> None:
    """Have a worker hand its jobs back, and take no more until it is started again."""
    with keraforge.Client() as client:
        drained = client.workers.drain(worker)
    if as_json:
        print_json(drained.raw)
        return
    _print([drained])


def _print(workers: list[keraforge.Worker]) -> None:
    print_table(
        ("Worker", "State", "Host", "Process", "Slots", "Devices", "Jobs", "Heard of"),
        (
            (
                worker.id,
                worker.state,
                worker.host,
                worker.process,
                dict(worker.slots),
                worker.devices,
                worker.jobs,
                moment(worker.heard_at),
            )
            for worker in workers
        ),
        empty="No workers.",
    )
