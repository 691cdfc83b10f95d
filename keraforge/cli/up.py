"""``keraforge up``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keraforge.cli.settings import service_installed, settings_with

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[
    int | None,
    typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535, show_default="8000"),
]
DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of everything that is kept.", show_default="$XDG_DATA_HOME/keraforge"),
]
DatabaseUrl = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL.", show_default="SQLite in the data folder")
]
BrokerUrl = Annotated[
    str | None, typer.Option(help="redis:// or amqp://", show_default="a folder in the data folder")
]
WebProcesses = Annotated[
    int | None, typer.Option(help="Web processes that share the port.", min=1, max=64, show_default="1")
]
LogLevel = Annotated[
    str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.", case_sensitive=False, show_default="INFO")
]


def up(
    *,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    web_processes: WebProcesses = None,
    database_url: DatabaseUrl = None,
    broker_url: BrokerUrl = None,
    log_level: LogLevel = None,
) -> None:
    """Run the whole service on this machine: web processes and a worker, until Ctrl-C.

    Every flag overrides a setting `KERAFORGE_…` of the environment or of a file `.env`. A process that dies
    is started again. The first Ctrl-C stops everything in order, a second one at once.

    ```
    keraforge up
    keraforge up --port 0 --data-dir ./var --web-processes 2
    ```
    """
    settings = settings_with(
        host=host,
        port=port,
        data_dir=data_dir,
        web_processes=web_processes,
        database_url=database_url,
        broker_url=broker_url,
        log_level=log_level and log_level.upper(),
    )
    with service_installed():
        from keraforge.up.service import serve  # noqa: PLC0415 - the client lacks what the service needs
    serve(settings, Console())
