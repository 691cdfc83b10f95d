"""The command that starts a worker, for whoever supervises it."""

import json
import os
import sys

from app.settings import Settings


def worker_command() -> list[str]:
    """Return the command of a worker; it wants the environment of :func:`environment_of`."""
    return [sys.executable, "-P", "-m", "workers.celery_app"]


def environment_of(settings: Settings) -> dict[str, str]:
    """Return this process's environment with ``settings`` in it, whatever files and flags they came from."""
    values = settings.model_dump(mode="json")
    return os.environ | {
        f"KERAFORGE_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
