"""``keraforge demo``."""

from typing import Annotated

import typer

from keraforge.cli.up import DataDir, Host, Port


def demo(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    leave: Annotated[
        bool, typer.Option("--exit", help="Stop everything at the end instead of staying up.")
    ] = False,
) -> None:
    """Show all of it: start the service, train a network on handwritten digits over REST, ask it.

    It stays up until Ctrl-C. A second run uses the same data folder, and publishes a second version.

    ```
    keraforge demo
    keraforge demo --exit --port 0
    ```
    """
    from keraforge.demo.run import run  # noqa: PLC0415 - loads httpx, which `keraforge --help` does not need

    run(host=host, port=port, data_dir=data_dir, leave=leave)
