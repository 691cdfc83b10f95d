"""``keraforge jobs``."""

from typing import Annotated

import typer
from rich.text import Text

import keraforge
from keraforge.cli.following import follow
from keraforge.cli.output import (
    JsonFlag,
    harmless,
    moment,
    notes,
    print_facts,
    print_json,
    print_table,
    results,
)
from keraforge.cli.references import job_or_newest

app = typer.Typer(
    no_args_is_help=True,
    help="Jobs: list, show, watch, logs; stop, pause, resume, retry, cancel, clone, change.",
)

JobArgument = Annotated[str | None, typer.Argument(help="Identifier of the job; by default the newest.")]


@app.command("list")
def list_jobs(
    state: Annotated[str | None, typer.Option(help="Only jobs in this state, for example running.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only training, reading or evaluation.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many, the newest first.", min=1)] = 20,
    as_json: JsonFlag = False,
) -> None:
    """List jobs, the newest first."""
    with keraforge.Client() as client:
        jobs = client.jobs.list(kind=kind, state=state, limit=limit)
    if as_json:
        print_json([job.raw for job in jobs])
        return
    print_table(
        ("Job", "Kind", "State", "Progress", "Model", "Dataset", "Created"),
        (
            (job.id, job.kind, job.state, _progress(job), _model(job), job.dataset, moment(job.created_at))
            for job in jobs
        ),
        empty="No jobs.",
    )


@app.command("show")
def show(job: JobArgument = None, as_json: JsonFlag = False) -> None:
    """Show one job."""
    with keraforge.Client() as client:
        found = client.jobs.get(job_or_newest(client, job))
    show_job(found, as_json)


@app.command("watch")
def watch(job: JobArgument = None, as_json: JsonFlag = False) -> None:
    """Follow a job until it is over; the exit status is 0 if it succeeded.

    With `--json`, every event is one line of JSON. Ctrl-C stops the watching, not the job.

    ```
    keraforge jobs watch
    keraforge jobs watch job_01jd3n6y0q8v5w2x4z7b9c1d3f --json
    ```
    """
    with keraforge.Client() as client:
        chosen = job_or_newest(client, job)
        if not as_json:
            finish(client, chosen, as_json)
            return
        for event in client.jobs.watch(chosen):
            print_json(event.raw)
        client.jobs.get(chosen).ensure_succeeded()


@app.command("logs")
def logs(job: JobArgument = None, as_json: JsonFlag = False) -> None:
    """Print a job's log."""
    with keraforge.Client() as client:
        lines = client.jobs.logs(job_or_newest(client, job))
    if as_json:
        print_json(lines)
        return
    for line in lines:
        text = f"{moment(line['at'])}  {line['level']:<7}  {line['message']}"
        results().print(Text(harmless(text)), soft_wrap=True)


def finish(client: "keraforge.Client", job: str, as_json: bool) -> None:
    """Follow a job to its end, then show it; raises JobFailed unless it succeeded."""
    ended = followed(client, job)
    show_job(ended, as_json)
    ended.ensure_succeeded()


def followed(client: "keraforge.Client", job: str) -> keraforge.Job:
    """Follow a job to its end and return it."""
    try:
        follow(client.jobs.watch(job), notes, job)
    except KeyboardInterrupt:
        notes.print(Text(f"The job goes on. Follow it with: keraforge jobs watch {job}"))
        raise
    return client.jobs.get(job)


def show_job(job: keraforge.Job, as_json: bool) -> None:
    """Print one job."""
    if as_json:
        print_json(job.raw)
        return
    error = job.error or {}
    print_facts(
        [
            ("Job", job.id),
            ("Kind", job.kind),
            ("State", job.state),
            ("Phase", job.phase),
            ("Progress", _progress(job)),
            ("Queue", job.queue_position),
            ("Dataset", job.dataset),
            ("Model", _model(job)),
            ("Best epoch", dict(job.best or {})),
            ("Created", moment(job.created_at)),
            ("Started", moment(job.started_at)),
            ("Finished", moment(job.finished_at)),
            ("Ended by", job.stop_reason),
            ("Error", error.get("message")),
            ("Hint", error.get("hint")),
        ]
    )


def _progress(job: keraforge.Job) -> str | None:
    progress = job.progress or {}
    return f"{progress['epoch']}/{progress['epochs']}" if progress.get("epochs") else None


def _model(job: keraforge.Job) -> str | None:
    return f"{job.model}@{job.version}" if job.version is not None else job.model
