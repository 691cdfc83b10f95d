import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Run:
    """What a program did: its exit status, its events, what it printed besides."""

    status: int
    events: list[dict[str, Any]]
    stderr: str

    def only(self, kind: str) -> dict[str, Any]:
        (event,) = [each["data"] for each in self.events if each["type"] == kind]
        return event

    def phases(self) -> list[str]:
        return [each["data"]["phase"] for each in self.events if each["type"] == "phase"]


@pytest.fixture
def order_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "order"
    folder.mkdir()
    return folder


@pytest.fixture
def run_program(order_dir: Path) -> Callable[..., Run]:
    """Run a child's program on an order, as from a terminal, and wait for its end."""

    def run(module: str, order: dict[str, Any]) -> Run:
        (order_dir / "order.json").write_text(json.dumps(order))
        ended = subprocess.run(
            [sys.executable, "-P", "-m", module, str(order_dir)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
        )
        events = [json.loads(line) for line in ended.stdout.splitlines()]
        return Run(ended.returncode, events, ended.stderr)

    return run
