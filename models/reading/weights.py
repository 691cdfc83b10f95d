"""Weights: how much each row counts in training, as the data says."""

import numpy as np

from models.reading.errors import BadData, shown
from models.reading.limits import MAX_VALUE
from models.reading.options import ReadingOptions
from models.reading.source import Part, Source

_HINT = "Weights stand in a column of a table, an array of an .npz file, or a field of .jsonl lines."
# Beyond, learning rates that suit most networks no longer do.
_LEAST_MEAN, _LARGEST_MEAN = 0.1, 10.0


def read_weights(source: Source, test_rows: np.ndarray, options: ReadingOptions) -> np.ndarray | None:
    """Return the weight of each row, ``float32[rows]``, in the order of the parts; None if none was named.

    Test rows that have none weigh 1: theirs are not looked at. Raises :class:`BadData`.
    """
    if options.weight is None:
        return None
    if source.rows.weights is None:
        raise BadData(
            f"weight names {shown(options.weight)}, and data of this form has no weights.",
            _HINT,
            "options.weight",
        )
    weights = np.concatenate([_of_part(part) for part in source.parts])
    if not np.delete(weights, test_rows).any():
        raise BadData(
            "The weights of all training rows are 0: nothing would be learnt.", None, source.rows.weights_name
        )
    return weights


def check_weights(values: np.ndarray, name: str) -> None:
    """Refuse weights, ``[rows]``, that are no numbers from 0 on; ``name`` is what they are called."""
    # A comparison with NaN is false.
    bad = ~((values >= 0) & (values <= MAX_VALUE))
    if bad.any():
        row = int(bad.argmax())
        raise BadData(
            f"The weight of row {row} in {shown(name)} is {values[row]:g}; a number from 0 to {MAX_VALUE:g}"
            " was expected.",
            "A row that should not count weighs 0.",
            name,
        )


def weight_warnings(weights: np.ndarray | None, test_rows: np.ndarray) -> list[str]:
    """Return what a person should know of the weights before training."""
    if weights is None:
        return []
    taught = np.delete(weights, test_rows)
    nothing, mean = int((taught == 0).sum()), float(taught.mean(dtype=np.float64))
    found = [f"{nothing:,} of {len(taught):,} training rows weigh 0: they teach nothing."] if nothing else []
    if not _LEAST_MEAN <= mean <= _LARGEST_MEAN:
        found.append(
            f"The weights of the training rows are {mean:.3g} on average, and the loss grows with them:"
            " weights around 1 suit the usual learning rates."
        )
    return found


def _of_part(part: Part) -> np.ndarray:
    if part.weights is None:
        return np.ones(len(part.x), np.float32)
    weights, name = np.asarray(part.weights), part.weights_name
    if weights.dtype.kind not in "buif" or weights.shape != (len(part.x),):
        what = "text" if weights.dtype.kind == "U" else f"{list(weights.shape)} of {weights.dtype}"
        raise BadData(
            f"{name} is {what}; a number for each of the {len(part.x):,} rows of {part.x_name} was expected.",
            None,
            name,
        )
    weights = weights.astype(np.float64)
    check_weights(weights, name)
    return weights.astype(np.float32)
