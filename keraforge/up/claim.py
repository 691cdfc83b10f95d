"""The claims of ``keraforge up``: its data folder and its port, each for itself alone."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keraforge.errors import KeraforgeError

BACKLOG = 512


class CannotStart(KeraforgeError):
    """The service cannot start; the message is one line that says what to change."""

    default_code = "cannot_start"


@contextmanager
def claimed_folder(folder: Path) -> Iterator[None]:
    """Hold the data folder; the kernel lets it go when this process ends, however it ends.

    The lock is on the folder itself, so that no file is left behind.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CannotStart(
            f"The data folder {folder} cannot be used: {error.strerror}. Choose another with --data-dir."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise CannotStart(
            f"Keraforge already runs on {folder}{_at(folder)}. "
            "Stop it first, or choose another folder with --data-dir."
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    It is made once and handed to every web process, so that a connection made while one starts again waits.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CannotStart(_why(host, port, error)) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by every connection. The server leaves it off for a socket that it was handed, and then
        # each answer waits 40 ms for an acknowledgement of its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotStart(_why(host, port, error)) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL by which this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - translated, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use. Choose another with --port, or let --port 0 take a free one."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has. Choose one above 1023 with --port."
    return f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another address with --host."


def _at(folder: Path) -> str:
    try:
        return f" at {(folder / 'url').read_text(encoding='utf-8').strip()}"
    except OSError:
        return ""
