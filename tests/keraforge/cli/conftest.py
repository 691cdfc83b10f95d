"""The command as a person types it, on a terminal wide enough for whole lines."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from keraforge.cli.main import app


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run ``keraforge`` with these arguments; it must end with ``status``. ``typed`` is its input."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, status: int = 0, typed: str | None = None) -> Any:
        result = CliRunner().invoke(app, arguments, input=typed)
        assert result.exit_code == status, result.output
        return result

    return run
