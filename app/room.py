"""Room on a disk: whether there is enough of it, and what says that there was not."""

import errno
import shutil
from pathlib import Path

from app.errors import Unavailable

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Some libraries say only that they wrote less than they should have; with so little room that is why.
LEAST_BYTES = 1024**2
_RETRY_SECONDS = 60


class Room:
    """The disk of a folder, of which ``reserve`` bytes are kept free for what is under way."""

    def __init__(self, folder: Path, reserve: int) -> None:
        self._folder = folder
        self._reserve = reserve

    def require(self, size: int) -> None:
        """Raise Unavailable, ``storage_low``, unless ``size`` more bytes leave the reserve as it is."""
        if shutil.disk_usage(self._folder).free - size < self._reserve:
            raise storage_low()


def storage_low() -> Unavailable:
    """Return what a client is told who sends what cannot be kept."""
    return Unavailable(
        "There is no room left to store this. Make room on the server's disk, then try again.",
        code="storage_low",
        headers={"Retry-After": str(_RETRY_SECONDS)},
    )


def is_full(error: BaseException | None, folder: Path | None = None) -> bool:
    """Tell whether an error, or one that it came of, is that of a full disk, or of a database on one.

    With the ``folder`` that was written to, any error of the system counts that left no room there.
    """
    while error is not None:
        if _says_so(error) or (isinstance(error, OSError) and folder is not None and _has_none(folder)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _says_so(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in FULL
    # What the drivers of SQLite and PostgreSQL call it.
    return (
        getattr(error, "sqlite_errorname", None) == "SQLITE_FULL" or getattr(error, "sqlstate", 0) == "53100"
    )


def _has_none(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < LEAST_BYTES
