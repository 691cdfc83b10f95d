"""The gallery as Markdown, between two marks of a page."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.gallery.claims import Claim
from benchmarks.gallery.datasets import DATASETS
from benchmarks.gallery.exhibits import Exhibit
from benchmarks.gallery.service import Hung
from models.presets import PRESETS

_FIGURES = {
    "accuracy": ("accuracy {:.3f}", False),
    "cv_accuracy": ("accuracy {:.3f}, mean of 15 folds", False),
    "r2": ("R² {:.2f}", False),
    "rmse": ("RMSE {:.3f}", True),
    "mse": ("mean squared error {:.4f}", True),
    "bits_per_character": ("{:.2f} bits a character", True),
    "frechet_distance": ("Fréchet distance {:.1f}", True),
}


def rows(hung: Sequence[tuple[Hung, float]]) -> str:
    """Return the table of what hangs, with the seconds of an answer."""
    lines = [
        "| preset | learns from | test figure | training | answer |",
        "|---|---|---|---:|---:|",
    ]
    for each, seconds in hung:
        exhibit = each.exhibit
        figure = _FIGURES[exhibit.figure][0].format(each.version.metrics[exhibit.figure])
        per = " a character" if exhibit.question == "generate" else ""
        answer = f"{1000 * seconds:.2f} ms{per}"
        lines.append(
            f"| `{exhibit.preset}` | {_learnt(exhibit)} | {figure} | {each.seconds:.0f} s | {answer} |"
        )
    return "\n".join(lines)


def _learnt(exhibit: Exhibit) -> str:
    """Return what an exhibit learns from, and to what size its preset enlarges it."""
    told, size = DATASETS[exhibit.dataset].told, PRESETS[exhibit.preset].drawn_for
    if exhibit.dataset != "digits" or size is None or size == (8, 8):
        return told
    return f"{told}, enlarged to {size[0]}x{size[1]}"


def claims(found: Sequence[Claim]) -> str:
    """Return the claims as a table."""
    lines = ["| what was measured | | wanted |", "|---|---:|---:|"]
    for claim in found:
        bound = f"{'≤' if claim.most else '≥'} {claim.bound:g}"
        lines.append(f"| {claim.what} | {claim.measured:.3f} | {bound} |")
    return "\n".join(lines)


def replace_between(page: Path, mark: str, content: str) -> None:
    """Put ``content`` between ``<!-- mark -->`` and ``<!-- /mark -->`` in a page."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    text = page.read_text(encoding="utf-8")
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise SystemExit(f"{page} has no {begin} … {end}")
    page.write_text(f"{head}{begin}\n{content}\n{end}{tail}", encoding="utf-8")
