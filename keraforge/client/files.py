"""Files that are sent: what kind of dataset they make, and several of them as one."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

# By ending; everything else holds arrays or pictures.
_KINDS = {
    **dict.fromkeys((".csv", ".tsv", ".parquet"), "table"),
    **dict.fromkeys((".txt", ".jsonl", ".ndjson"), "text"),
}


def kind_of(path: Path) -> str:
    """Return the kind of dataset that a file is for, by its ending; of a zip by the endings within."""
    ending = path.suffix.lower()
    if ending == ".zip" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            endings = {Path(name).suffix.lower() for name in archive.namelist() if not name.endswith("/")}
        # Beside pictures a text is a note about them.
        ending = ".txt" if ".txt" in endings and not endings & {".png", ".jpg", ".jpeg", ".npy"} else ending
    return _KINDS.get(ending, "images")


def bundled(files: Sequence[Path], folder: Path) -> Path:
    """Return the one file, or a zip of several, which is made in ``folder``."""
    if len(files) == 1:
        return files[0]
    path = folder / f"{files[0].stem.partition('.')[0]}.zip"
    # Not packed: such files mostly are already.
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, file.name)
    return path
