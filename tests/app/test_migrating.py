from contextlib import closing

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import migrations
from app.database import Database
from app.migrating import (
    NewerDatabase,
    OlderDatabase,
    alembic_config,
    check_schema,
    migrate,
    schema_revision,
)
from app.tables import Base


def tables_of(url: str) -> set[str]:
    database = Database(url)
    try:
        return set(inspect(database.engine).get_table_names())
    finally:
        database.close()


def test_an_empty_database_gets_every_table(empty_database_url: str) -> None:
    migrate(empty_database_url)
    assert tables_of(empty_database_url) == {*Base.metadata.tables, "alembic_version"}


def test_the_migrated_schema_is_the_one_of_the_tables(database_url: str) -> None:
    command.check(alembic_config(database_url))


def test_migrations_go_down_to_nothing_and_up_again(database_url: str) -> None:
    config = alembic_config(database_url)
    command.downgrade(config, "base")
    assert tables_of(database_url) == {"alembic_version"}
    command.upgrade(config, "head")
    command.check(config)


def test_the_foreign_keys_between_jobs_and_versions_stand_on_both_sides(database: Database) -> None:
    inspector = inspect(database.engine)
    referred = {key["referred_table"] for key in inspector.get_foreign_keys("jobs")}
    assert referred == {"dataset_versions", "model_versions"}


def test_the_queue_has_an_index_in_its_order(database: Database) -> None:
    texts = {"sqlite": "SELECT sql FROM sqlite_master", "postgresql": "SELECT indexdef FROM pg_indexes"}
    names = {"sqlite": "name", "postgresql": "indexname"}
    kind = database.engine.dialect.name
    with database.read() as session:
        found = session.scalar(text(f"{texts[kind]} WHERE {names[kind]} = 'ix_jobs_queue'"))
    assert "(slot, state, priority DESC, id)" in found


def test_the_newest_revision_is_the_one_that_the_code_names(database_url: str) -> None:
    assert ScriptDirectory.from_config(alembic_config(database_url)).get_heads() == [migrations.HEAD]
    assert schema_revision(database_url) == migrations.HEAD


def test_a_newer_database_is_refused_in_one_line_and_left_alone(database_url: str) -> None:
    database = Database(database_url)
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(NewerDatabase, match=f"'9999'.*newest is '{migrations.HEAD}'.*newer one") as refused:
        migrate(database_url)
    assert "\n" not in str(refused.value)
    assert schema_revision(database_url) == "9999"


def test_processes_refuse_a_schema_that_is_not_theirs_and_leave_it_alone(empty_database_url: str) -> None:
    with pytest.raises(OlderDatabase, match=r"is empty.*run `keraforge migrate` first"):
        check_schema(empty_database_url)
    command.upgrade(alembic_config(empty_database_url), "0001")
    with pytest.raises(OlderDatabase, match=f"at schema revision '0001'.*needs '{migrations.HEAD}'"):
        check_schema(empty_database_url)
    migrate(empty_database_url)
    check_schema(empty_database_url)
    with closing(Database(empty_database_url)) as database, database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabase, match=r"'9999'.*does not know"):
        check_schema(empty_database_url)


def test_a_failed_migration_leaves_nothing_behind(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    with database.write() as session:
        session.execute(text("CREATE TABLE models (id INTEGER)"))
    database.close()
    with pytest.raises(Exception, match="already exists"):
        migrate(empty_database_url)
    assert tables_of(empty_database_url) == {"models"}
