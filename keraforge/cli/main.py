"""The command ``keraforge``."""

from typing import Annotated

import typer

import keraforge
from keraforge.cli import (
    autoencoders,
    datasets,
    demo,
    evaluate,
    gc,
    generate,
    jobs,
    keys,
    models,
    parts,
    predict,
    sample,
    steering,
    train,
    trash,
    up,
    workers,
)
from keraforge.cli.commands import Commands

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(keraforge.__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train and serve neural networks yourself, over REST.

    `keraforge demo` shows all of it in a minute. `keraforge up` starts the service; then, elsewhere:

    ```
    keraforge datasets create digits --builtin digits
    keraforge train --model digits --dataset digits --preset cnn-small
    keraforge predict digits seven.png
    ```

    The commands find the service of this machine by its data folder, `KERAFORGE_DATA_DIR`; another one is
    named by `KERAFORGE_URL` and `KERAFORGE_API_KEY`.
    """


app.command("up")(up.up)
app.command("migrate")(parts.migrate)
app.command("web")(parts.web)
app.command("worker")(parts.worker)
app.command("demo")(demo.demo)
app.add_typer(datasets.app, name="datasets")
app.command("train")(train.train)
jobs.app.add_typer(steering.app)
app.add_typer(jobs.app, name="jobs")
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("sample")(sample.sample)
app.command("generate")(generate.generate)
app.command("encode")(autoencoders.encode)
app.command("decode")(autoencoders.decode)
app.command("reconstruct")(autoencoders.reconstruct)
app.command("anomalies")(autoencoders.anomalies)
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")
app.add_typer(workers.app, name="workers")
app.add_typer(trash.app, name="trash")
app.add_typer(gc.app, name="gc")
