"""Which values black and white have: taken from the options, known from the source, or found."""

from models.reading.errors import BadData
from models.reading.options import ReadingOptions

# From narrow to wide: the first that holds all values is taken.
_CUSTOMARY = ((0.0, 1.0), (-1.0, 1.0), (0.0, 16.0), (0.0, 255.0), (0.0, 65535.0))


def pixel_range(
    low: float, high: float, options: ReadingOptions, known: tuple[float, float] | None
) -> tuple[tuple[float, float], list[str]]:
    """Return the range for pixels that lie between ``low`` and ``high``, and warnings."""
    if options.range is not None:
        if low < options.range[0] or high > options.range[1]:
            raise BadData(
                f"The pixels lie between {low:g} and {high:g}, outside the range {list(options.range)}.",
                "Give a range that holds all values, or leave it out.",
                "options.range",
            )
        return options.range, []
    if known is not None:
        return known, []
    for customary in _CUSTOMARY:
        if customary[0] <= low and high <= customary[1]:
            return customary, []
    found = (low, high) if low < high else (low, low + 1.0)
    return found, [
        f"The pixels lie between {low:g} and {high:g}, which is no customary range; {low:g} was taken as"
        f" black and {high:g} as white. If that is wrong, give options.range."
    ]
