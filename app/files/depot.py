"""The depot: files by name at an address that fsspec knows, such as a bucket of S3.

A file is there whole or not at all. Whatever a backend raises becomes one of three errors: what was asked for
is :class:`~app.storage.Missing`, this machine's own disk is full, or the depot is :class:`~app.storage.Away`.
"""

import errno
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from app.identifiers import new_id
from app.storage import Away, Missing, UnusableAddress, synced

# A few connections with small pieces: a web process has little memory.
PIECE_BYTES, PIECES_AT_ONCE = 8 * 1024**2, 2
# One request, and how slow a line may be; a server that holds a connection and says nothing is away.
REQUEST_SECONDS, BYTES_PER_SECOND = 20.0, 250_000
ATTEMPTS = 3
# What is put again after so long is written again: it looks new then to whoever removes what is old.
RENEWED_SECONDS = 12 * 3600.0
MARK = "keraforge"
_REASON_CHARACTERS = 200
_S3 = frozenset({"s3", "s3a"})
_S3_OPTIONS: Mapping[str, Any] = {
    "use_listings_cache": False,
    # Another instance may have been made while the environment named other keys.
    "skip_instance_cache": True,
    "config_kwargs": {"connect_timeout": 3, "read_timeout": 10, "retries": {"max_attempts": 0}},
}
# At their most talkative they tell of tokens.
for _library in ("botocore", "aiobotocore", "s3fs", "fsspec"):
    logging.getLogger(_library).setLevel(logging.WARNING)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# A file system that is collected while another loop runs leaves connections that nobody can close.
_used: list[Any] = []
_MOMENTS = ("LastModified", "mtime", "last_modified", "updated", "created")


class Entry(NamedTuple):
    """A file of the depot: its size, and how many seconds ago it was written, where that is known."""

    name: str
    bytes: int
    age: float | None


class Depot:
    """The files below one address; ``shown`` is the address without what nobody else shall read."""

    def __init__(self, url: str) -> None:
        self.shown = without_secrets(url)
        protocol = urlsplit(url).scheme
        self._pieces: Mapping[str, Any] = {}
        try:
            self._fs, root = url_to_fs(url, **(_S3_OPTIONS if protocol in _S3 else {}))
        except (ValueError, ImportError, TypeError, OSError) as error:
            raise UnusableAddress(f"{self.shown} cannot be used for files: {_reason(error)}") from error
        if protocol in _S3:
            self._pieces = {"chunksize": PIECE_BYTES, "max_concurrency": PIECES_AT_ONCE}
            self._fs.retries = ATTEMPTS
            _used.append(self._fs)
        self._root = root.rstrip("/")
        self._is_folder = isinstance(self._fs, LocalFileSystem)

    def put(self, source: Path, name: str) -> None:
        """Write a file of which the name tells the content: what is there already is left, if it is whole."""
        size = source.stat().st_size
        with self._speaking_of(name):
            if self._is_folder:
                _place(source, Path(self._at(name)))
                return
            try:
                self._send(source, name, size, mode="create")
            except Exception:
                # It may be there; or this backend cannot tell; or it is away, and says so once more.
                found = self.look(name)
                if found is None or found.bytes != size or _is_old(found):
                    self._send(source, name, size)

    def replace(self, source: Path, name: str) -> None:
        """Write a file of which the content changes under its name."""
        with self._speaking_of(name):
            if self._is_folder:
                _place(source, Path(self._at(name)))
            else:
                self._send(source, name, source.stat().st_size)

    def get(self, name: str, target: Path) -> None:
        """Fetch a file; raises :class:`~app.storage.Missing` if there is none of that name."""
        found = self.look(name)
        if found is None:
            raise Missing(f"{name} is missing at {self.shown}")
        with self._speaking_of(name):
            self._ask("get_file", self._at(name), str(target), size=found.bytes, **self._pieces)

    def look(self, name: str) -> Entry | None:
        """Return what is known of a file, None if there is none of that name."""
        with self._speaking_of(name):
            try:
                found = self._ask("info", self._at(name))
            except FileNotFoundError:
                return None
        return self._entry(found) if found["type"] == "file" else None

    def find(self, folder: str) -> Iterator[Entry]:
        """Yield all files below a folder, in no order."""
        with self._speaking_of(folder):
            try:
                found = self._ask("find", self._at(folder), detail=True)
            except FileNotFoundError:
                return
        yield from (self._entry(each) for each in found.values() if each["type"] == "file")

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""
        with self._speaking_of(folder):
            try:
                found = self._ask("ls", self._at(folder), detail=True)
            except FileNotFoundError:
                return []
        return [each["name"].rstrip("/").rpartition("/")[2] for each in found if each["type"] == "directory"]

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._speaking_of(name), suppress(FileNotFoundError):
            self._ask("rm_file", self._at(name))

    def remove_all(self, folder: str) -> None:
        """Remove a folder and all files below it."""
        with self._speaking_of(folder), suppress(FileNotFoundError):
            self._ask("rm", self._at(folder), recursive=True)

    def check(self, scratch: Path) -> None:
        """Write a small file, and read it; raises what tells why that is not possible."""
        written, read = (scratch / new_id("check") for _ in range(2))
        try:
            written.write_text("Files of Keraforge are kept here.\n")
            self.replace(written, MARK)
            self.get(MARK, read)
        finally:
            for path in (written, read):
                path.unlink(missing_ok=True)

    def look_in(self) -> None:
        """Raise :class:`~app.storage.Away` unless the depot answers, and is the one that was checked."""
        if self.look(MARK) is None:
            raise Away(f"{self.shown} has lost its file {MARK}: was it emptied?")

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _entry(self, found: Mapping[str, Any]) -> Entry:
        return Entry(found["name"][len(self._root) + 1 :], found["size"], _age(found))

    def _send(self, source: Path, name: str, size: int, **options: Any) -> None:
        self._ask("put_file", str(source), self._at(name), size=size, **self._pieces, **options)

    def _ask(self, method: str, *arguments: Any, size: int = 0, **options: Any) -> Any:
        if self._fs.async_impl:
            options["timeout"] = REQUEST_SECONDS + size / BYTES_PER_SECOND
        return getattr(self._fs, method)(*arguments, **options)

    @contextmanager
    def _speaking_of(self, name: str) -> Iterator[None]:
        try:
            yield
        except (Away, Missing):
            raise
        except Exception as error:
            # The libraries of the backends have no common error.
            if isinstance(error, OSError) and error.errno in _FULL:
                raise
            raise Away(f"{self.shown} cannot be used now, for {name}: {_reason(error)}") from error


def without_secrets(url: str) -> str:
    """Return an address without user, password and query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _place(source: Path, target: Path) -> None:
    """Write a file of a shared folder: whole, and on its disk, before it has its name."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    arriving = target.with_name(new_id("arriving"))
    try:
        synced(Path(shutil.copyfile(source, arriving)))
        arriving.replace(target)
    finally:
        arriving.unlink(missing_ok=True)
    synced(target.parent)


def _is_old(entry: Entry) -> bool:
    return entry.age is None or entry.age > RENEWED_SECONDS


def _age(found: Mapping[str, Any]) -> float | None:
    for key in _MOMENTS:
        match found.get(key):
            case datetime() as moment:
                return time.time() - moment.timestamp()
            case float() | int() as seconds:
                return time.time() - seconds
    return None


def _reason(error: BaseException) -> str:
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    if isinstance(error, OSError) and error.errno and not error.strerror:
        text = os.strerror(error.errno)
    return text[:_REASON_CHARACTERS]
