"""Why the service cannot start, for the person who starts it: one line each."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from app.keys.first_key import UnreadableKeyFile
from app.migrating import WrongSchema
from app.storage import StoreError
from keraforge.up.claim import CannotStart


@contextmanager
def said_in_one_line(folder: Path) -> Iterator[None]:
    """Turn what can go wrong before the first process into a line for the person who starts it."""
    try:
        yield
    except (WrongSchema, UnreadableKeyFile) as error:
        raise CannotStart(f"Cannot start: {error}.") from error
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise CannotStart(
            f"The database cannot be used: {reason}. Name another with --database-url."
        ) from error
    except StoreError as error:
        raise CannotStart(f"{error}. KERAFORGE_FILES_URL names the address.") from error
    except OSError as error:
        raise CannotStart(
            f"The data folder {folder} cannot be used: {error}. Choose another with --data-dir."
        ) from error
