"""Devices: the GPUs of this machine, found without TensorFlow, and what makes a child see only its own."""

import logging
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

PROGRAM = ("nvidia-smi", "-L")
# A driver in trouble makes it hang.
LOOKING_SECONDS = 10.0

_LINE = re.compile(
    r"^(?P<part>\s+MIG\s)?\s*(?P<name>.*?)(?:\s+Device\s+\d+)?:\s*(?P<model>.*?)\s*\(UUID:\s*(?P<id>[\w-]+)\)"
)

log = logging.getLogger(__name__)


class Device(NamedTuple):
    """A GPU, or a part of one: as CUDA knows it, and as people do."""

    id: str
    name: str

    @property
    def is_part(self) -> bool:
        """Whether it is a part of a GPU."""
        return self.id.startswith("MIG-")


def devices_of(setting: str) -> tuple[Device, ...]:
    """Return the GPUs that ``KERAFORGE_DEVICES`` means: ``auto``, ``none``, or CUDA's names for them.

    ``auto`` are all that ``nvidia-smi`` knows, or those of them that ``CUDA_VISIBLE_DEVICES`` names.
    """
    if setting == "none":
        return ()
    if setting != "auto":
        return tuple(Device(name, f"GPU {name}") for name in setting.split(","))
    found = parsed(_listed())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return found if visible is None else _among(found, visible.split(","))


def parsed(lines: Iterable[str]) -> tuple[Device, ...]:
    """Return the devices in what ``nvidia-smi -L`` prints; of a GPU in parts, its parts."""
    found: list[Device] = []
    whole: Device | None = None
    for match in filter(None, map(_LINE.match, lines)):
        if not match["part"]:
            whole = Device(match["id"], match["model"])
            found.append(whole)
            continue
        if whole in found:
            found.remove(whole)
        found.append(Device(match["id"], f"{whole.name if whole else 'GPU'}, {match['name']}"))
    return tuple(found)


def seen(devices: Sequence[Device]) -> dict[str, str]:
    """Return the environment of a child that shall see these devices, and no others.

    It takes memory of them as it needs it, since predictions or other programs may want some too.
    """
    return {
        "CUDA_VISIBLE_DEVICES": ",".join(device.id for device in devices),
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }


def _listed() -> list[str]:
    try:
        program = subprocess.Popen(
            PROGRAM, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except OSError:
        return []
    try:
        printed, _ = program.communicate(timeout=LOOKING_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()
        # One that waits for its driver cannot even be killed: it is left behind.
        with suppress(subprocess.TimeoutExpired):
            program.communicate(timeout=1)
        log.warning("%s did not answer; no GPU is used. KERAFORGE_DEVICES can name them", PROGRAM[0])
        return []
    if program.returncode:
        log.warning("%s failed, so no GPU is used: %s", PROGRAM[0], printed.strip()[-500:])
        return []
    return printed.splitlines()


def _among(found: Sequence[Device], names: Iterable[str]) -> tuple[Device, ...]:
    """Return those that are named by their number or by how their identifier begins; as in CUDA, until a
    name means none."""
    chosen: list[Device] = []
    for name in (name.strip() for name in names):
        if name.isdigit():
            matching = list(found[int(name) : int(name) + 1])
        else:
            matching = [device for device in found if name and device.id.startswith(name)]
        if len(matching) != 1:
            break
        chosen += matching
    return tuple(chosen)
