from pathlib import Path

import pytest

from keraforge.address import Address, find
from keraforge.errors import NotRunning


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with an address and a key, named by the environment."""
    monkeypatch.setenv("KERAFORGE_DATA_DIR", str(tmp_path))
    (tmp_path / "url").write_text("http://127.0.0.1:8000\n")
    (tmp_path / "api-key").write_text("kf_local\n")
    return tmp_path


def test_the_data_folder_names_the_service_and_its_key(folder: Path) -> None:
    assert find() == Address("http://127.0.0.1:8000", "kf_local", folder)


def test_without_a_setting_the_folder_is_in_the_users_data_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(NotRunning, match=f"no file {tmp_path}/keraforge/url"):
        find()
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(NotRunning, match=f"no file {tmp_path}/.local/share/keraforge/url"):
        find()


def test_where_nothing_runs_the_error_says_how_to_start_it(folder: Path) -> None:
    (folder / "url").unlink()
    with pytest.raises(NotRunning, match="Start it with `keraforge up`") as error:
        find()
    assert str(folder / "url") in str(error.value)
    assert error.value.code == "not_running"


def test_the_environment_wins_over_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAFORGE_URL", "https://far.example/")
    monkeypatch.setenv("KERAFORGE_API_KEY", "kf_far")
    assert find() == Address("https://far.example", "kf_far", folder)


def test_an_argument_wins_over_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAFORGE_URL", "https://far.example")
    monkeypatch.setenv("KERAFORGE_API_KEY", "kf_far")
    assert find("https://near.example", "kf_near") == Address("https://near.example", "kf_near", folder)


def test_a_named_folder_wins_over_the_environment(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "url").write_text("http://127.0.0.1:9000\n")
    (other / "api-key").write_text("kf_other\n")
    monkeypatch.setenv("KERAFORGE_URL", "https://far.example")
    monkeypatch.setenv("KERAFORGE_API_KEY", "kf_far")
    assert find(data_dir=other) == Address("http://127.0.0.1:9000", "kf_other", other)


def test_the_local_key_does_not_travel_to_another_machine(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAFORGE_URL", "https://far.example")
    assert find().key is None


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://[::1]:8000", "http://127.0.0.1:9999/"])
def test_the_local_key_opens_this_machine_however_it_is_named(folder: Path, url: str) -> None:
    assert find(url).key == "kf_local"


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:8000", "ftp://host", "http://:8000", "http://[::1", "http://host:port", "http://host:0"],
)
def test_what_is_no_address_is_refused(folder: Path, url: str) -> None:
    with pytest.raises(NotRunning, match="must be like http://127") as error:
        find(url)
    assert repr(url) in str(error.value)


@pytest.mark.parametrize("key", ["kf_one\nkf_two", "kf_\u00e9"])
def test_what_cannot_be_a_key_is_refused_and_not_shown(folder: Path, key: str) -> None:
    (folder / "api-key").write_text(key)
    with pytest.raises(NotRunning, match="characters that no key has") as error:
        find()
    assert "kf_" not in str(error.value)
