"""``keraforge sample``."""

from typing import Annotated

import typer

import keraforge
from keraforge.cli.asking import ModelArgument, PictureOption, write_picture
from keraforge.cli.output import JsonFlag, print_json
from keraforge.cli.references import version_or_alias


def sample(
    model: ModelArgument,
    *,
    count: Annotated[
        int | None, typer.Option("--count", "-n", help="How many; by default one.", min=1)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same samples.", min=0)] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="The class of all samples, or of each one; repeatable.")
    ] = None,
    output: PictureOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Let an adversarial network or a variational autoencoder make new rows.

    ```
    keraforge sample faces --count 16 --seed 7 --output faces.png
    keraforge sample digits --label 7 --json
    ```
    """
    if (output is None) != as_json:
        raise typer.BadParameter("give either --output for a picture or --json")
    name, version, alias = version_or_alias(model)
    with keraforge.Client() as client:
        if output is None:
            made = client.sample(name, count, seed=seed, label=label or None, version=version, alias=alias)
            print_json(made.raw)
        else:
            picture = client.models.sample_image(
                name, count, seed=seed, label=label or None, version=version, alias=alias
            )
            write_picture(picture, output)
