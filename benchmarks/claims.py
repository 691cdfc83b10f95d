"""What is said about speed: each a figure, what it should be, and what was measured."""

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Claim:
    """A ratio, or ``unit``, of at least ``target``, or ``at_most``; ``told`` is what it was made from."""

    what: str
    target: float
    measured: float
    told: str
    at_most: bool = False
    objection: str = ""
    unit: str = "x"

    @property
    def is_reached(self) -> bool:
        """Whether it holds, and nothing else speaks against it."""
        is_enough = self.measured <= self.target if self.at_most else self.measured >= self.target
        return is_enough and not self.objection

    @property
    def verdict(self) -> str:
        """What became of it, in a word."""
        return "reached" if self.is_reached else f"missed{self.objection and ': ' + self.objection}"


def show(title: str, claims: Sequence[Claim], console: Console) -> bool:
    """Print a row for each; return whether all are reached."""
    table = Table(title=title)
    for heading in ("what", "target", "measured", "verdict", "from"):
        table.add_column(heading, justify="right" if heading in ("target", "measured") else "left")
    for claim in claims:
        colour = "green" if claim.is_reached else "red"
        table.add_row(
            claim.what,
            f"{'≤' if claim.at_most else '≥'} {claim.target:g} {claim.unit}",
            f"{claim.measured:{'.3g' if claim.measured < 100 else ',.0f'}} {claim.unit}",
            f"[{colour}]{claim.verdict}[/]",
            claim.told,
        )
    console.print(table)
    return all(claim.is_reached for claim in claims)


def write(path: Path | None, claims: Sequence[Claim], figures: Mapping[str, Any]) -> None:
    """Write what was measured to ``path``, if there is one, and on what."""
    if path is None:
        return
    machine = {
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("keras", "numpy", "onnxruntime")},
    }
    found = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine,
        "claims": [{**asdict(claim), "verdict": claim.verdict} for claim in claims],
        **figures,
    }
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
