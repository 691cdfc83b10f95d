import os
import subprocess
import sys
from pathlib import Path

# Each of them keeps ONNX Runtime from telling, too.
SILENCED = {"ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS", "TF_BUILD", "XDG_CACHE_HOME"}


def files_left_by(code: str, home: Path) -> list[Path]:
    environment = {name: value for name, value in os.environ.items() if name not in SILENCED}
    command = [sys.executable, "-P", "-c", code]
    subprocess.run(command, env=environment | {"HOME": str(home)}, check=True)
    return [path for path in home.rglob("*") if path.is_file()]


def test_the_runtime_of_a_web_process_leaves_nothing_in_the_home_folder_to_be_sent(tmp_path: Path) -> None:
    assert files_left_by("import app.main", tmp_path) == []
