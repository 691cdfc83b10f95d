"""Where the service is and which key opens it: from arguments, the environment, or the data folder."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from keraforge.errors import NotRunning

START_HINT = "Start it with `keraforge up`, or name a running one with KERAFORGE_URL."
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Address:
    """One service: its URL without a slash at the end, a key or None, and the data folder looked in."""

    url: str
    key: str | None
    folder: Path

    @property
    def is_loopback(self) -> bool:
        """Whether the service runs on this very machine, as its URL has it."""
        return urlsplit(self.url).hostname in LOOPBACK


def data_folder() -> Path:
    """Return the data folder: ``KERAFORGE_DATA_DIR``, or ``keraforge`` below ``$XDG_DATA_HOME``."""
    chosen = os.environ.get("KERAFORGE_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base).absolute() / "keraforge"


def find(url: str | None = None, key: str | None = None, data_dir: str | Path | None = None) -> Address:
    """Return the address to use: an argument wins over the environment, which wins over the data folder.

    Raises:
        NotRunning: no address is known; the message names the folder that was looked in.
    """
    folder = Path(data_dir).expanduser().absolute() if data_dir else data_folder()
    environment = {} if data_dir else os.environ
    local = _content(folder / "url")
    chosen = (url or environment.get("KERAFORGE_URL") or local or "").rstrip("/")
    if not chosen:
        raise NotRunning(f"Keraforge is not running: there is no file {folder / 'url'}. {START_HINT}")
    _require_address(chosen)
    key = key or environment.get("KERAFORGE_API_KEY")
    # The key of this machine's service must not travel to another machine only because a URL was set.
    if key is None and (chosen == local or urlsplit(chosen).hostname in LOOPBACK):
        key = _content(folder / "api-key")
    if key is not None and not (key.isascii() and key.isprintable()):
        raise NotRunning(
            "The key has characters that no key has. "
            f"It is read from KERAFORGE_API_KEY or from {folder / 'api-key'}."
        )
    return Address(chosen, key, folder)


def _require_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return
    except ValueError:
        # Brackets that do not close, or a port that is no number.
        pass
    raise NotRunning(f"The address must be like http://127.0.0.1:8000; it is {url!r}.")


def unreachable(address: Address, reason: str) -> NotRunning:
    """Return the error for a service that does not answer."""
    return NotRunning(
        f"Keraforge does not answer at {address.url}: {reason}. "
        f"The data folder looked in is {address.folder}. {START_HINT}"
    )


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
