"""What may be asked of a job: ``keraforge jobs stop``, ``pause``, ``resume``, ``retry``, ``cancel``, …"""

from typing import Annotated, Any

import typer

import keraforge
from keraforge.cli.jobs import show_job
from keraforge.cli.output import JsonFlag
from keraforge.cli.train import parsed, put

app = typer.Typer()

Job = Annotated[str, typer.Argument(help="Identifier of the job.")]


@app.command("stop")
def stop(job: Job, as_json: JsonFlag = False) -> None:
    """Have a running training finish early, and publish what it has learned so far."""
    with keraforge.Client() as client:
        show_job(client.jobs.stop(job), as_json)


@app.command("pause")
def pause(job: Job, as_json: JsonFlag = False) -> None:
    """Pause a job, queued or running; it frees its slot."""
    with keraforge.Client() as client:
        show_job(client.jobs.pause(job), as_json)


@app.command("resume")
def resume(job: Job, as_json: JsonFlag = False) -> None:
    """Queue a paused job again; it goes on from its checkpoint."""
    with keraforge.Client() as client:
        show_job(client.jobs.resume(job), as_json)


@app.command("retry")
def retry(job: Job, as_json: JsonFlag = False) -> None:
    """Queue a failed job again; it goes on from its last checkpoint, if it has one."""
    with keraforge.Client() as client:
        show_job(client.jobs.retry(job), as_json)


@app.command("cancel")
def cancel(job: Job, as_json: JsonFlag = False) -> None:
    """Cancel a job that is not over; nothing of it is kept."""
    with keraforge.Client() as client:
        show_job(client.jobs.cancel(job), as_json)


@app.command("clone")
def clone(
    job: Job,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=JSON", help="Any field, such as training.epochs=20; repeatable."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Submit a job like this one, on the same version of its dataset.

    ```
    keraforge jobs clone job_01jd3n6y0q8v5w2x4z7b9c1d3f --set training.epochs=20
    ```
    """
    edits: dict[str, Any] = {}
    for assignment in set_ or ():
        put(edits, *parsed(assignment))
    with keraforge.Client() as client:
        show_job(client.jobs.clone(job, edits), as_json)


@app.command("change")
def change(
    job: Job,
    priority: Annotated[int | None, typer.Option(help="Higher runs first, from -100 to 100.")] = None,
    notes: Annotated[str | None, typer.Option(help="Free text.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Change a job's priority or notes."""
    with keraforge.Client() as client:
        show_job(client.jobs.update(job, priority=priority, notes=notes), as_json)
