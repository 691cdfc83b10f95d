"""The disk is full, and freed again: nothing is lost, nothing half-written is published, reading goes on."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.client import jobs, submit_all
from chaos.outcome import Options, Outcome, judge, timed
from chaos.service import Plan, Service, running
from chaos.waiting import until

DISK_MIB = 64
FREE_BYTES = 4 * 1024**2
FULL_SECONDS = 5.0
JOBS_OF_A_ROUND = 10


class NotPermitted(Exception):
    """No file system may be mounted here."""


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """Mount a file system of a few MiB."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", place]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotPermitted(str(error)) from error
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=False, capture_output=True)


def run(options: Options, folder: Path) -> Outcome:
    """Fill the disk while jobs run, keep it full for a while, free it; ``rounds`` / 2 times."""
    rounds, outcome = max(1, options.rounds // 2), Outcome("disk")
    place = folder / "disk"
    try:
        with timed(outcome), small_disk(place):
            wanted = jobs(rounds * JOBS_OF_A_ROUND, options.seed)
            with running(place, Plan(settings={"free_bytes": FREE_BYTES}), options.seed) as service:
                for number in range(rounds):
                    _round(service, wanted[number * JOBS_OF_A_ROUND :][:JOBS_OF_A_ROUND])
                service.settle()
            judge(outcome, service)
    except NotPermitted as error:
        outcome.skipped = f"a small disk cannot be mounted here: {error}"
    outcome.figures["rounds"] = rounds
    return outcome


def _round(service: Service, wanted: list) -> None:
    submit_all([service.client()], wanted)
    until(service.children, "a child")
    service.history.write("fault", target="disk", victims=[])
    filler = service.folder / "filler"
    _fill(filler)
    reader, ends = service.client(), time.monotonic() + FULL_SECONDS
    while time.monotonic() < ends:
        reader.send("GET", "/api/v1/jobs", params={"limit": 1})
        time.sleep(0.2)
    filler.unlink()
    service.wait()


def _fill(path: Path) -> None:
    """Write until there is no room left at all."""
    with path.open("wb", buffering=0) as file:
        for size in (1024**2, 4096, 512, 1):
            try:
                while True:
                    os.write(file.fileno(), b"\0" * size)
            except OSError:
                continue
