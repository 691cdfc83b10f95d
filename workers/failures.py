"""What is told of a child that failed without saying why."""

import signal
from pathlib import Path
from typing import Any

from workers.protocol import Failure


def out_of_memory() -> dict[str, Any]:
    """The system ended the child because memory ran out."""
    return Failure(
        code="out_of_memory",
        message="The system ended the program of this job because memory ran out.",
        hint="Use smaller batches or a smaller network, or run fewer jobs at once.",
    ).model_dump()


def ended_by(number: int) -> dict[str, Any]:
    """A signal ended the child."""
    return Failure(
        code="crashed",
        message=f"The program of this job was ended by {_signal_name(number)}.",
        hint="Its log has what it printed last. If nobody ended it, try once more.",
        retryable=True,
    ).model_dump()


def left_with(status: int) -> dict[str, Any]:
    """The child left before its work was done, and gave no reason."""
    return Failure(
        code="crashed",
        message=f"The program of this job left with status {status} and without a result.",
        hint="Its log has what it printed last.",
        retryable=True,
    ).model_dump()


def silent_for(seconds: float) -> dict[str, Any]:
    """The child said nothing for too long and was killed."""
    return Failure(
        code="hung",
        message=f"The program of this job reported nothing for {seconds:.0f} s and was ended.",
        hint="Try once more; if that does not help, use smaller batches, so that steps are shorter.",
        retryable=True,
    ).model_dump()


def overdue(seconds: float) -> dict[str, Any]:
    """The child worked for longer than the operator lets any."""
    return Failure(
        code="time_limit",
        message=f"This job took longer than any may here, {seconds:.0f} s, and was ended.",
        hint="Send `training.max_seconds` below that: a training then ends with what it has learned. "
        "A retry has as much time again, and goes on from the last checkpoint.",
        retryable=True,
    ).model_dump()


def worker_lost() -> dict[str, Any]:
    """Each worker that ran the job was lost, as often as may be."""
    return Failure(
        code="worker_lost",
        message="The worker that ran this job ended without warning.",
        hint="It was begun several times, and may be what ends its workers, for want of memory for example: "
        "use smaller batches or a smaller network. If they were ended for another reason, retry the job.",
        retryable=True,
    ).model_dump()


def storage_low() -> dict[str, Any]:
    """There is no room for the files."""
    return Failure(
        code="storage_low",
        message="There is no room left in the data folder for the files of this job.",
        hint="Free some space, then retry the job.",
        retryable=True,
    ).model_dump()


def file_lost(message: str) -> dict[str, Any]:
    """A file that the job needs is not in the store, or is not what it was."""
    return Failure(
        code="bad_data",
        message=message,
        hint="Restore it from a backup; a file that was uploaded can be uploaded again.",
        retryable=True,
    ).model_dump()


def internal() -> dict[str, Any]:
    """Something that must not happen; the worker's log has the rest."""
    return Failure(
        code="internal",
        message="The worker failed to run this job; its log says where.",
        hint="Please report it with the lines of the worker's log that name this job.",
    ).model_dump()


def restarts_after(failure: dict[str, Any], status: int, most: int) -> int:
    """Return how many restarts a job may have had for it to be begun again after its child ended so.

    A full disk may be emptied, and what was killed from outside did nothing wrong. A crash, or memory that
    ran out, may have been an accident once. What a child says itself is not mended by saying it twice.
    """
    was_elsewhere = failure["code"] in {"storage_low", "worker_lost"}
    if was_elsewhere or (failure["code"], status) == ("crashed", -signal.SIGKILL):
        return most
    return min(1, most) if status < 0 else 0


def memory_kills() -> int | None:
    """Return how many processes the system has ended so far for want of memory, if it counts them."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return None
    counts = [line.split()[1] for line in lines if line.startswith("oom_kill ")]
    return int(counts[0]) if counts else None


def killed(number: int, kills_before: int | None) -> dict[str, Any]:
    """Tell a child that memory cost its life from one that was ended otherwise."""
    kills = memory_kills()
    for_memory = kills is None or kills_before is None or kills > kills_before
    if number == signal.SIGKILL and for_memory:
        return out_of_memory()
    return ended_by(number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
