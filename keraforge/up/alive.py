"""Whether a part of the service on this machine is alive, for what watches containers.

``python -P -m keraforge.up.alive web`` asks ``/healthz``; ``… worker`` looks for the sign that a worker
leaves every few seconds. The exit status is 0 or 1. The database may be away: what waits for it is alive.
"""

import http.client
import sys
import time
from collections.abc import Callable, Mapping

from app.settings import Settings
from workers.identity import ALIVE_FILE

WEB_SECONDS = 4.0
# A worker leaves a sign with each of its rounds; one may have to wait for the database.
WORKER_SECONDS, WORKER_ROUNDS = 60.0, 5


def web_is_alive(settings: Settings) -> bool:
    """Return whether the web process of this machine answers."""
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=WEB_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def worker_is_alive(settings: Settings) -> bool:
    """Return whether the worker of the data folder has left a sign of late."""
    longest = max(WORKER_SECONDS, WORKER_ROUNDS * settings.reconcile_seconds)
    try:
        return time.time() - (settings.data_dir / ALIVE_FILE).stat().st_mtime < longest
    except OSError:
        return False


PARTS: Mapping[str, Callable[[Settings], bool]] = {"web": web_is_alive, "worker": worker_is_alive}


if __name__ == "__main__":
    sys.exit(not PARTS[sys.argv[1]](Settings()))
