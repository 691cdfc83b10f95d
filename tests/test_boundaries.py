"""Rules of the tree that no single module can check for itself."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


def _sources() -> list[Path]:
    folders = ("app", "workers", "models", "keraforge", "migrations", "benchmarks", "tests")
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py")]


def _loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in _sources()}
    assert len(lengths) > 50
    assert {path: length for path, length in lengths.items() if length > 300} == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [path for path in _sources() if path.stem in FORBIDDEN_NAMES] == []


def test_the_web_app_loads_neither_tensorflow_nor_keras() -> None:
    loaded = _loaded_after("import app.main")
    assert "app.main" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "sklearn", "matplotlib", "onnx", "tf2onnx"})


def test_the_worker_loads_neither_tensorflow_nor_keras() -> None:
    loaded = _loaded_after("import workers.celery_app")
    assert "workers.supervisor" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "sklearn", "matplotlib"})


def test_the_client_does_not_load_the_service() -> None:
    loaded = _loaded_after("import keraforge, keraforge.cli.main")
    assert "keraforge.cli.main" in loaded
    assert not {name for name in loaded if name == "app" or name.startswith(("app.", "workers", "fastapi"))}
