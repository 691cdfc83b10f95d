"""A version is written down first, and its files are moved into the store after that."""

from pathlib import Path
from typing import Any

from chaos.planted import Replace
from chaos.stage import Stage

from app.storage import Store, file_digest
from workers import conclusion

FOUND_BY = "I5"


def plant(replace: Replace) -> None:
    """Tell of files that are yet to come; who is killed then never moves them."""

    def adopt(_store: Store, output: Path, files: dict[str, str]) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "sha256": file_digest(output / name),
                "bytes": (output / name).stat().st_size,
                "media_type": kind,
            }
            for name, kind in files.items()
        }

    replace(conclusion, "adopt", adopt)


def scene(stage: Stage) -> None:
    """A worker is killed right after it has published."""
    stage.submit("one")
    stage.begin().finish()
