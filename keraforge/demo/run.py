"""The demo as a command: the service around the story, and the end of both."""

import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen
from types import FrameType

from rich.console import Console
from rich.text import Text

from keraforge.address import data_folder
from keraforge.client.client import Client
from keraforge.demo.onward import print_onward
from keraforge.demo.service import running_at, started
from keraforge.demo.story import Steps, tell
from keraforge.errors import KeraforgeError

TITLE = "Keraforge: from handwritten digits to an answering network, over REST"
PIPE_WIDTH = 120


def run(*, host: str | None, port: int | None, data_dir: Path | None, leave: bool) -> None:
    """Run the demo; without ``leave``, stay until Ctrl-C.

    Raises:
        KeraforgeError: the service did not start, or a step of the demo failed. Nothing is left running.
    """
    # SIGTERM ends the demo in the same order as Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    folder = (data_dir.expanduser() if data_dir else data_folder()).absolute()
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)
    console.print(Text(f"\n{TITLE}\n", style="bold"))
    steps = Steps(console)
    with ExitStack() as stack:
        own: Popen[bytes] | None = None
        if running_at(folder) is None:
            with console.status("Starting the service …"):
                own = stack.enter_context(started(folder, _flags(host, port)))
        client = stack.enter_context(Client(data_dir=folder))
        steps.done("Service", f"{client.address.url}, its data in {folder}")
        pixels = tell(client, steps)
        print_onward(console, client.address.url, folder, pixels)
        console.print()
        if own is None:
            console.print(Text("The service was running before, and goes on."))
        elif not leave:
            _stay(own, console, client.address.url, folder)


def _stay(service: Popen[bytes], console: Console, url: str, folder: Path) -> None:
    console.print(Text.assemble("The service is up at ", (url, "bold cyan"), ". Ctrl-C stops it."))
    try:
        service.wait()
    except KeyboardInterrupt:
        console.print("\nStopping …")
    else:
        raise KeraforgeError(f"The service ended by itself; its logs are in {folder / 'logs'}.")


def _flags(host: str | None, port: int | None) -> list[str]:
    chosen = {"--host": host, "--port": port}
    return [f"{flag}={value}" for flag, value in chosen.items() if value is not None]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
