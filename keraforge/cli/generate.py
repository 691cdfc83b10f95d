"""``keraforge generate``."""

import sys
from typing import Annotated, Any

import typer

import keraforge
from keraforge.cli.asking import ModelArgument
from keraforge.cli.output import JsonFlag, harmless, print_json
from keraforge.cli.references import version_or_alias


def generate(
    model: ModelArgument,
    prompt: Annotated[str, typer.Argument(help="What the text continues.")],
    *,
    max_tokens: Annotated[
        int | None, typer.Option(help="How many characters or words at most.", min=1)
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="0 takes the likeliest token each time.", min=0)
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw from so many likeliest tokens only.", min=1)] = None,
    top_p: Annotated[
        float | None,
        typer.Option(help="Draw from the fewest likeliest tokens that make up this probability.", max=1),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed writes the same text.", min=0)] = None,
    stop: Annotated[list[str] | None, typer.Option(help="A text that ends the answer; repeatable.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Let a model write; the text is printed as it comes into being. Ctrl-C ends it.

    ```
    keraforge generate shakespeare "To be" --max-tokens 300 --temperature 0.7
    ```
    """
    name, version, alias = version_or_alias(model)
    options: dict[str, Any] = {
        "max_tokens": max_tokens,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
        "stop": stop or None,
        "version": version,
        "alias": alias,
    }
    with keraforge.Client() as client:
        if as_json:
            print_json(client.generate(name, prompt, **options).raw)
            return
        # What a pipe takes is the text itself; a terminal would obey some of it.
        shown = harmless if sys.stdout.isatty() else str
        for piece in client.stream_text(name, prompt, **options):
            sys.stdout.write(shown(piece))
            sys.stdout.flush()
    sys.stdout.write("\n")
