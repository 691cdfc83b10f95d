"""Datasets: register a built-in one, upload a file, look, wait."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from keraforge.client.files import bundled, kind_of
from keraforge.client.operations import Resource, TransportT, operation
from keraforge.client.records import Dataset, DatasetVersion
from keraforge.client.requests import FileBody, Pause, Steps, fetch, listed
from keraforge.errors import KeraforgeError, NotFound, ReadingFailed, WaitedTooLong

PAUSE = 0.2
# A large upload is checked by the service before it answers.
UPLOAD_SECONDS = 300.0

# Named here, since within the class ``list`` is a method.
DatasetList = list[Dataset]
VersionList = list[DatasetVersion]


class Datasets(Resource[TransportT]):
    """Named datasets and their immutable versions."""

    @operation
    def create(
        self,
        name: str,
        *,
        kind: str | None = None,
        builtin: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Steps[Dataset]:
        """Create a dataset; with ``builtin="digits"`` its first version is being read when this returns.

        ``kind`` is ``images``, ``table``, ``sequences``, ``text`` or ``vectors``; by default that of the
        built-in, else ``images``. ``options`` say how the built-in is read, such as ``test_fraction``.
        """
        body = {"name": name, "kind": kind, "builtin": builtin, "options": dict(options) if options else None}
        sent = {key: value for key, value in body.items() if value is not None}
        return Dataset.read((yield from fetch("POST", "/datasets", json=sent)))

    @operation
    def upload(
        self,
        name: str,
        file: str | Path,
        *more: str | Path,
        kind: str | None = None,
        options: Mapping[str, Any] | None = None,
        on_sent: Callable[[int], None] | None = None,
    ) -> Steps[DatasetVersion]:
        """Send a file as a new version; the dataset is created if there is none of that name.

        Its ``kind`` is by default what the file's ending suggests. Several files, such as the four of MNIST,
        are sent as one zip. ``options`` say how rows are read. The file is streamed, never held whole;
        ``on_sent`` is told the bytes of each piece. The version is still being read when this returns: see
        :meth:`wait`. Equal bytes and options return the version that exists.
        """
        with TemporaryDirectory() as folder:
            path = bundled([Path(each) for each in (file, *more)], Path(folder))
            yield from _exists(name, kind, path)
            answer = yield from fetch(
                "POST",
                f"{_path(name)}/versions",
                query={**(options or {}), "filename": path.name},
                content=FileBody(path, on_sent),
                headers={"Content-Type": "application/octet-stream"},
                timeout=UPLOAD_SECONDS,
            )
        return DatasetVersion.read(answer)

    @operation
    def list(self, *, limit: int | None = 50) -> Steps[DatasetList]:
        """Return datasets by name, at most ``limit`` of them; None means all."""
        return [Dataset.read(item) for item in (yield from listed("/datasets", limit))]

    @operation
    def get(self, name: str) -> Steps[Dataset]:
        """Return one dataset with its latest version."""
        return (yield from _get(name))

    @operation
    def versions(self, name: str, *, limit: int | None = 50) -> Steps[VersionList]:
        """Return a dataset's versions, the newest first."""
        return [DatasetVersion.read(item) for item in (yield from listed(f"{_path(name)}/versions", limit))]

    @operation
    def version(self, name: str, number: int) -> Steps[DatasetVersion]:
        """Return one version of a dataset."""
        return (yield from _version(name, number))

    @operation
    def preview(self, name: str, number: int, *, offset: int = 0, limit: int = 10) -> Steps[dict[str, Any]]:
        """Return rows of a version: ``{"rows": [{"row", "label", "split", "values", …}], "total", "shape"}``.

        Rows of a text have ``text`` as well, those of a table stand below ``columns``.
        """
        query = {"offset": offset, "limit": limit}
        answer: dict[str, Any] = yield from fetch(
            "GET", f"{_path(name)}/versions/{number}/preview", query=query
        )
        return answer

    @operation
    def wait(
        self, name: str, number: int | None = None, *, timeout: float | None = None
    ) -> Steps[DatasetVersion]:
        """Return a version, by default the latest, when it is ready.

        Raises:
            ReadingFailed: it is invalid, or the dataset has no version.
            WaitedTooLong: ``timeout`` seconds passed.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if number is None:
            latest = (yield from _get(name)).latest
            if latest is None:
                raise ReadingFailed(f"The dataset {name} has no version yet. Upload one first.")
            number = latest.number
        while (found := (yield from _version(name, number))).state == "reading":
            if deadline is not None and time.monotonic() >= deadline:
                raise WaitedTooLong(f"{found.name} is still being read after {timeout:g} s.")
            yield Pause(PAUSE)
        if found.state != "ready":
            reason = (found.error or {}).get("message", f"it is {found.state}")
            raise ReadingFailed(f"{found.name} cannot be used: {reason}")
        return found

    @operation
    def delete(self, name: str, number: int | None = None) -> Steps[None]:
        """Delete one version, or the dataset with all of them; refused while something uses it."""
        yield from fetch("DELETE", _path(name) if number is None else f"{_path(name)}/versions/{number}")


def _exists(name: str, kind: str | None, path: Path) -> Steps[None]:
    """Create a dataset for a file unless there is one of that name."""
    try:
        found = yield from _get(name)
    except NotFound:
        yield from fetch("POST", "/datasets", json={"name": name, "kind": kind or kind_of(path)})
    else:
        if kind not in (None, found.kind):
            raise KeraforgeError(f"The dataset {name} is one of {found.kind}, not of {kind}.")


def _path(name: str) -> str:
    return f"/datasets/{quote(name, safe='')}"


def _get(name: str) -> Steps[Dataset]:
    return Dataset.read((yield from fetch("GET", _path(name))))


def _version(name: str, number: int) -> Steps[DatasetVersion]:
    return DatasetVersion.read((yield from fetch("GET", f"{_path(name)}/versions/{number}")))
