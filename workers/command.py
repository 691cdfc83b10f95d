"""The command that starts a worker, for whoever supervises it."""

import sys


def worker_command() -> list[str]:
    """Return the command of a worker, which reads its settings from the environment."""
    return [sys.executable, "-P", "-m", "workers.celery_app"]
