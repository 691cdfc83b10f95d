"""The picture of a profile: a panel for each figure, counts as bars and numbers as histograms."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont

MAX_PANELS = 24
_MAX_BARS = 12
_WIDTH, _HEIGHT, _MARGIN, _LINE = 300, 210, 12, 14
_LABEL_WIDTH, _COUNT_WIDTH, _LABEL_CHARACTERS = 100, 48, 16
_TEXT, _FAINT, _BAR = "#222222", "#888888", "#1f77b4"


@dataclass(frozen=True)
class Panel:
    """One figure: counts with a name each; or, with ``edges``, counts of the bins between them."""

    title: str
    counts: Sequence[float]
    names: Sequence[str] = ()
    edges: Sequence[float] = ()


def chart(profile: Mapping[str, Any]) -> bytes:
    """Return a PNG of a version's profile."""
    shown = list(panels(profile))[:MAX_PANELS]
    columns = min(3, max(1, len(shown)))
    lines = max(1, math.ceil(len(shown) / columns))
    whole = Image.new("RGB", (columns * _WIDTH, lines * _HEIGHT), "white")
    for place, panel in enumerate(shown):
        line, column = divmod(place, columns)
        whole.paste(_drawn(panel), (column * _WIDTH, line * _HEIGHT))
    buffer = io.BytesIO()
    whole.save(buffer, "PNG")
    return buffer.getvalue()


def panels(profile: Mapping[str, Any]) -> Iterator[Panel]:
    """Yield what a profile tells that can be drawn: of the targets first, then of the rows."""
    classes = profile.get("classes", {})
    yield from _named("classes", classes, len(classes))
    for target in profile.get("targets", ()):
        yield from _numbers(target["name"], target)
    yield from _numbers("weights", profile.get("weights", {}))
    yield from _numbers("values", profile)
    yield from _numbers("lengths", profile.get("lengths", {}))
    yield from _named("most frequent tokens", profile.get("top", {}), 0)
    for column in profile.get("columns", ()):
        told = _with_missing(column["name"], column)
        yield from _named(told, column.get("top", {}), column.get("categories", 0))
        yield from _numbers(column["name"], column)


def _named(title: str, counts: Mapping[str, float], whole: int) -> Iterator[Panel]:
    """Yield the greatest counts, if any; there are ``whole`` of them, or who knows how many."""
    if counts:
        # Stable, so that equal counts keep their order.
        ordered = sorted(counts.items(), key=lambda item: -item[1])[:_MAX_BARS]
        told = f"{title}, {len(ordered)} of {whole:,}" if whole > len(ordered) else title
        yield Panel(told, [count for _, count in ordered], names=[name for name, _ in ordered])


def _numbers(title: str, figures: Mapping[str, Any]) -> Iterator[Panel]:
    histogram = figures.get("histogram")
    if histogram:
        yield Panel(_with_missing(title, figures), histogram["counts"], edges=histogram["edges"])


def _with_missing(title: str, figures: Mapping[str, Any]) -> str:
    missing = figures.get("missing")
    return f"{title}, {missing:,} missing" if missing else title


def _drawn(panel: Panel) -> Image.Image:
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    title, small = ImageFont.load_default(13), ImageFont.load_default(10)
    draw.text((_MARGIN, 6), _printable(panel.title, 40), _TEXT, title)
    (_draw_bins if panel.edges else _draw_bars)(draw, panel, small)
    return picture


def _draw_bars(draw: ImageDraw.ImageDraw, panel: Panel, font: Any) -> None:
    most = max(panel.counts) or 1
    left = _MARGIN + _LABEL_WIDTH
    for place, (name, count) in enumerate(zip(panel.names, panel.counts, strict=True)):
        top = 28 + place * _LINE
        width = (_WIDTH - left - _COUNT_WIDTH) * count / most
        draw.text((left - 6, top), _printable(name, _LABEL_CHARACTERS), _TEXT, font, anchor="ra")
        draw.rectangle((left, top + 1, left + width, top + _LINE - 4), _BAR)
        draw.text((left + width + 4, top), f"{count:,}", _FAINT, font)


def _draw_bins(draw: ImageDraw.ImageDraw, panel: Panel, font: Any) -> None:
    most = max(panel.counts) or 1
    bottom, step = _HEIGHT - 28, (_WIDTH - 2 * _MARGIN) / len(panel.counts)
    for place, count in enumerate(panel.counts):
        left = _MARGIN + place * step
        height = (bottom - 30) * count / most
        draw.rectangle((left, bottom - height, left + step - 2, bottom), _BAR)
    draw.text((_MARGIN, bottom + 6), f"{panel.edges[0]:.4g}", _FAINT, font)
    draw.text((_WIDTH - _MARGIN, bottom + 6), f"{panel.edges[-1]:.4g}", _FAINT, font, anchor="ra")


def _printable(text: str, most: int) -> str:
    """Return text that stands in one line; spaces and signs that cannot be seen are written as in Python."""
    seen = text if text.isprintable() and text.strip() else repr(text)
    return seen if len(seen) <= most else seen[: most - 1] + "…"
