import fcntl
import os
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

import migrations
from app.database import Database
from app.keys import repository
from app.keys.first_key import UnreadableKeyFile, read_key_file
from app.keys.text import digest_of, new_key_text
from app.migrating import schema_revision
from app.prepare import LOCK_FILE, prepare
from app.settings import Settings
from app.tables import Key
from app.tables.base import now

PREPARE = """
import sys
from app.prepare import prepare
from app.settings import Settings
prepare(Settings(_env_file=None, data_dir=sys.argv[1], database_url=sys.argv[2]))
"""


# Whoever closes a database last locks the bytes that its readers share, and then deletes its log.
LOCK_ALL = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except BlockingIOError:
        sys.exit(3)
"""


def can_be_locked(path: Path) -> bool:
    status = subprocess.run([sys.executable, "-c", LOCK_ALL, path], check=False).returncode
    assert status in {0, 3}
    return status == 0


def start_preparing(folder: Path, url: str) -> subprocess.Popen[bytes]:
    # From a folder without the source tree: what is installed must be enough.
    return subprocess.Popen([sys.executable, "-P", "-c", PREPARE, str(folder), url], cwd=folder.parent)


def keys_in(url: str) -> list[Key]:
    database = Database(url)
    try:
        with database.read() as session:
            return list(repository.valid_keys(session, now()))
    finally:
        database.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_makes_folders_that_only_their_owner_can_open(settings: Settings) -> None:
    prepare(settings)
    assert {mode(settings.data_dir / name) for name in (".", "objects", "staging")} == {0o700}


def test_the_first_start_makes_a_key_that_only_a_file_holds_in_clear(settings: Settings) -> None:
    prepare(settings)
    text = read_key_file(settings.key_file)
    assert mode(settings.key_file) == 0o600
    (key,) = keys_in(settings.resolved_database_url)
    assert (key.digest, key.scopes, key.owner) == (digest_of(text), ["admin"], "local")
    secret = text.split("_")[2].encode()
    assert not [path for path in settings.data_dir.glob("keraforge.db*") if secret in path.read_bytes()]


def test_preparing_again_leaves_the_locks_of_connections_that_are_open(settings: Settings) -> None:
    prepare(settings)
    with closing(Database(settings.resolved_database_url)) as database, database.read() as session:
        session.scalar(text("SELECT version_num FROM alembic_version"))
        assert not can_be_locked(settings.data_dir / "keraforge.db")
        prepare(settings)
        assert not can_be_locked(settings.data_dir / "keraforge.db")


def test_a_second_start_keeps_the_key(settings: Settings) -> None:
    prepare(settings)
    before = settings.key_file.read_text()
    prepare(settings)
    assert settings.key_file.read_text() == before
    assert len(keys_in(settings.resolved_database_url)) == 1


def test_a_database_that_was_begun_anew_learns_the_key_in_the_file(settings: Settings) -> None:
    prepare(settings)
    for path in settings.data_dir.glob("keraforge.db*"):
        path.unlink()
    prepare(settings)
    (key,) = keys_in(settings.resolved_database_url)
    assert key.digest == digest_of(read_key_file(settings.key_file))


def test_a_first_key_that_was_revoked_stays_revoked(settings: Settings) -> None:
    prepare(settings)
    database = Database(settings.resolved_database_url)
    with database.write() as session:
        for key in repository.valid_keys(session, now()):
            key.revoked_at = now()
    database.close()
    prepare(settings)
    assert keys_in(settings.resolved_database_url) == []


def test_a_key_file_that_holds_something_else_is_refused_and_kept(settings: Settings) -> None:
    settings.data_dir.mkdir()
    settings.key_file.write_text("password")
    with pytest.raises(UnreadableKeyFile, match=r"api-key does not hold a key; remove it"):
        prepare(settings)
    assert settings.key_file.read_text() == "password"


def test_a_link_in_place_of_the_key_file_is_not_followed(settings: Settings, tmp_path: Path) -> None:
    settings.data_dir.mkdir()
    settings.key_file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        prepare(settings)
    assert not (tmp_path / "elsewhere").exists()


def test_processes_that_start_together_prepare_once(empty_database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    starts = [start_preparing(folder, empty_database_url) for _ in range(2)]
    assert [start.wait(60) for start in starts] == [0, 0]
    assert schema_revision(empty_database_url) == migrations.HEAD
    assert len(keys_in(empty_database_url)) == 1


def test_a_start_waits_for_the_process_that_holds_the_lock(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    database = folder / "keraforge.db"
    with (folder / LOCK_FILE).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        start = start_preparing(folder, "")
        with pytest.raises(subprocess.TimeoutExpired):
            start.wait(2)
        assert not database.exists()
    assert start.wait(60) == 0
    assert schema_revision(f"sqlite:///{database}") == migrations.HEAD


def test_a_key_file_with_a_key_that_somebody_put_there_is_used(settings: Settings) -> None:
    settings.data_dir.mkdir()
    text = new_key_text("key_01chosen")
    settings.key_file.write_text(f"{text}\n")
    os.chmod(settings.key_file, 0o600)
    prepare(settings)
    assert [key.digest for key in keys_in(settings.resolved_database_url)] == [digest_of(text)]


def test_a_start_removes_what_a_killed_process_left_of_an_upload_long_ago(settings: Settings) -> None:
    prepare(settings)
    abandoned = settings.data_dir / "staging" / "upload_1"
    abandoned.touch()
    os.utime(abandoned, (0, 0))
    prepare(settings)
    assert not abandoned.exists()


def test_a_database_is_for_its_owner_alone_whatever_the_folder_is(settings: Settings) -> None:
    settings.data_dir.mkdir(mode=0o755)
    prepare(settings)
    with closing(Database(settings.resolved_database_url)) as database, database.write() as session:
        session.execute(text("DELETE FROM idempotency_keys"))
        files = sorted(settings.data_dir.glob("keraforge.db*"))
        assert settings.data_dir / "keraforge.db" in files
        assert {mode(file) for file in files} == {0o600}
