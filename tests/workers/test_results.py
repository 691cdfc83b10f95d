from pathlib import Path

import pytest

from app.storage import Store
from workers.results import adopt


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "data")
    store.prepare()
    return store


@pytest.fixture
def output(tmp_path: Path) -> Path:
    output = tmp_path / "output"
    (output / "pictures").mkdir(parents=True)
    (output / "report.json").write_text("{}")
    (output / "pictures" / "a.png").write_text("png")
    (tmp_path / "secret").write_text("secret")
    (output / "link").symlink_to(tmp_path / "secret")
    (output / "outside").symlink_to(tmp_path)
    return output


def test_files_are_moved_into_the_store(store: Store, output: Path) -> None:
    adopted = adopt(store, output, {"report.json": "application/json", "pictures/a.png": "image/png"})
    assert adopted["report.json"]["bytes"] == 2
    assert adopted["pictures/a.png"]["media_type"] == "image/png"
    assert store.path(adopted["pictures/a.png"]["sha256"]).read_text() == "png"
    assert not (output / "report.json").exists()


@pytest.mark.parametrize(
    "path", ["missing", "pictures", "link", "outside/secret", "../secret", "/etc/hostname", "", "."]
)
def test_only_files_below_the_output_folder_are_taken(store: Store, output: Path, path: str) -> None:
    with pytest.raises(ValueError, match="expected a file below the output folder"):
        adopt(store, output, {"report.json": "application/json", path: "text/plain"})
    assert (output / "report.json").exists()
    assert (output.parent / "secret").read_text() == "secret"
