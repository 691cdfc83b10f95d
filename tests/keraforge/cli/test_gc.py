"""``keraforge gc`` on a data folder of its own."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from app.storage import Store


@pytest.fixture
def left_over(sqlite_url: str, tmp_path: Path) -> Path:
    """A file in the store that no row names, beside a migrated database."""
    store = Store(tmp_path / "data")
    store.prepare()
    source = store.staging / "source"
    source.write_text("x" * 2000)
    path = store.path(store.adopt(source).sha256)
    os.utime(path, (0, 0))
    return path


def test_what_would_go_is_told_with_its_size_and_stays(run: Any, left_over: Path, tmp_path: Path) -> None:
    folder = ("--data-dir", str(tmp_path / "data"))
    told = run("gc", "plan", *folder)
    assert all(words in told.stdout for words in ("files in the store", "no row names it", "2.0 kB"))
    assert "2.0 kB would be freed." in told.stderr
    [item] = json.loads(run("gc", "plan", *folder, "--json").stdout)
    assert item == {"kind": "object", "name": left_over.name, "reason": "no row names it", "bytes": 2000}
    assert left_over.exists()


def test_what_is_of_no_use_goes(run: Any, left_over: Path, tmp_path: Path) -> None:
    assert "2.0 kB freed." in run("gc", "run", "--data-dir", str(tmp_path / "data")).stderr
    assert not left_over.exists()
    assert "Nothing to collect." in run("gc", "run", "--data-dir", str(tmp_path / "data")).stderr


def test_a_database_that_was_not_migrated_is_named(run: Any, tmp_path: Path) -> None:
    result = run("gc", "plan", "--data-dir", str(tmp_path / "elsewhere"), status=1)
    assert "keraforge migrate" in result.stderr
