"""``keraforge migrate``, ``keraforge web``, ``keraforge worker``: the service in parts."""

from keraforge.cli.settings import service_installed, settings_with
from keraforge.cli.up import BrokerUrl, DatabaseUrl, DataDir, Host, LogLevel, Port, WebProcesses


def migrate(*, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Bring the database to the schema of this version, and make the first key in the data folder.

    `keraforge up` does this by itself. Where web processes and workers are started one by one, it comes
    before them: they refuse a database that is older or newer than they are.
    """
    settings = settings_with(data_dir=data_dir, database_url=database_url)
    with service_installed():
        from keraforge.up import parts  # noqa: PLC0415 - the client lacks what the service needs
    parts.migrate(settings)


def web(
    *,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    web_processes: WebProcesses = None,
    database_url: DatabaseUrl = None,
    broker_url: BrokerUrl = None,
    log_level: LogLevel = None,
) -> None:
    """Run only web processes, on a database that `keraforge migrate` has prepared."""
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
        from keraforge.up import parts  # noqa: PLC0415
    parts.run_web(settings)


def worker(
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    broker_url: BrokerUrl = None,
    log_level: LogLevel = None,
) -> None:
    """Run only a worker, on a database that `keraforge migrate` has prepared.

    SIGTERM has it hand its jobs back, with checkpoints, and leave.
    """
    settings = settings_with(
        data_dir=data_dir,
        database_url=database_url,
        broker_url=broker_url,
        log_level=log_level and log_level.upper(),
    )
    with service_installed():
        from keraforge.up import parts  # noqa: PLC0415
    parts.run_worker(settings)
