"""The service that the demo talks to: one that runs already, or one of its own."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import httpx

from keraforge.address import find
from keraforge.errors import KeraforgeError, NotRunning
from keraforge.up.lifetime import bound_to_this_process

START_SECONDS = 60.0
# Longer than what `keraforge up` itself gives its children.
STOP_SECONDS = 15.0
POLL_SECONDS = 0.05


def running_at(folder: Path) -> str | None:
    """Return the address of a service that already answers for this data folder, or None."""
    try:
        url = find(data_dir=folder).url
        return url if httpx.get(f"{url}/readyz", timeout=2, trust_env=False).is_success else None
    except (NotRunning, httpx.HTTPError):
        return None


@contextmanager
def started(folder: Path, flags: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``keraforge up`` on ``folder`` until the end of the block, which begins when it is ready.

    It has a session of its own, so that Ctrl-C reaches only this process, which then stops it in order.

    Raises:
        KeraforgeError: it did not start; the message is its own.
    """
    url_file = folder / "url"
    before = _written(url_file)
    command = [sys.executable, "-P", "-m", "keraforge", "up", "--data-dir", str(folder), *flags]
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            preexec_fn=bound_to_this_process(),  # noqa: PLW1509 - there is one thread
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while _written(url_file) in {before, None}:
                if child.poll() is not None:
                    raise KeraforgeError(_last_words(errors))
                if time.monotonic() > deadline:
                    raise KeraforgeError(
                        f"The service was not ready after {START_SECONDS:.0f} s. "
                        f"Its logs are in {folder / 'logs'}."
                    )
                time.sleep(POLL_SECONDS)
            yield child
        finally:
            _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Let the service end in order; a second Ctrl-C, or too long a wait, ends it at once."""
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        # Told twice, it kills what it has started.
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(2)
        child.kill()
        child.wait()


def _written(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _last_words(errors: IO[bytes]) -> str:
    errors.seek(0)
    text = errors.read().decode(errors="replace").strip().removeprefix("Error: ")
    return text or "The service ended before it was ready."
