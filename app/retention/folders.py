"""Folders and files of jobs on this machine: checkpoints, orders, and what was being written."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identifiers import new_id
from app.jobs.states import HELD, TERMINAL
from app.retention.garbage import SPARED, Garbage, Kind, Site
from app.tables import Job

# What a child calls a checkpoint while it writes it.
UNFINISHED = "unfinished-*"


def checkpoints(site: Site) -> Iterator[Garbage]:
    """Yield checkpoints of jobs that ended a day ago, or that nobody knows, and what is torn of others."""
    for folder in _children(site.settings.checkpoints_dir):
        with site.database.read() as session:
            reason = _useless(session, site, folder)
        if reason is not None:
            size = size_of(folder)
            yield Garbage("checkpoint", folder.name, reason, size, partial(_set_aside, site, folder))
            continue
        for path in _below(folder, UNFINISHED):
            if _is_old(site, path):
                yield _plain("checkpoint", path, "it was never finished")


def orders(site: Site) -> Iterator[Garbage]:
    """Yield the folders of attempts that no worker holds any more."""
    for path in _children(site.settings.orders_dir):
        if _is_old(site, path) and not _is_held(site, path.name):
            yield _plain("order", path, "no worker holds this attempt")


def staging(site: Site) -> Iterator[Garbage]:
    """Yield what began to arrive and was given up."""
    for path in _children(site.store.staging):
        if _is_old(site, path):
            yield _plain("staging", path, "nothing has arrived for 24 hours")


def size_of(path: Path) -> int:
    """Return how many bytes a file has, or all files below a folder."""
    size = 0
    for each in [*_below(path, "*"), path]:
        with suppress(FileNotFoundError):
            size += 0 if each.is_dir() else each.lstat().st_size
    return size


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _below(folder: Path, pattern: str) -> list[Path]:
    """Return what is below a folder, as far as it can be told while others move and remove it."""
    found: list[Path] = []
    with suppress(FileNotFoundError):
        found.extend(folder.rglob(pattern))
    return found


def _is_old(site: Site, path: Path) -> bool:
    """Tell whether something has lain there for a day; what is gone meanwhile has not."""
    try:
        return site.age(path) > SPARED
    except FileNotFoundError:
        return False


def _plain(kind: Kind, path: Path, reason: str) -> Garbage:
    return Garbage(kind, path.name, reason, size_of(path), partial(_remove, path))


def _remove(path: Path) -> bool:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return not path.exists()


def _useless(session: Session, site: Site, folder: Path, *, lock: bool = False) -> str | None:
    query = select(Job).where(Job.id == folder.name)
    job = session.scalar(query.with_for_update(of=Job) if lock else query)
    if job is None:
        return "there is no such job" if _is_old(site, folder) else None
    if job.state in TERMINAL and job.finished_at is not None and job.finished_at <= site.horizon:
        return f"its job is over: {job.state}"
    return None


def _set_aside(site: Site, folder: Path) -> bool:
    """Remove checkpoints, unless their job was retried meanwhile: it could be begun while they go."""
    aside = site.store.staging / new_id("checkpoints")
    with site.database.write() as session:
        if not folder.exists() or _useless(session, site, folder, lock=True) is None:
            return False
        folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _is_held(site: Site, name: str) -> bool:
    # The members of a gang have a third part, their rank.
    job, attempt = [*name.split("."), ""][:2]
    if not attempt.isdecimal():
        return False
    query = select(Job.id).where(Job.id == job, Job.attempt == int(attempt), Job.state.in_(HELD))
    with site.database.read() as session:
        return session.scalar(query) is not None
