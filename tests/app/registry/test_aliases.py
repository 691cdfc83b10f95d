from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from app.database import Database
from app.tables import AliasEvent

# Where no query differs between the databases.
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def three(published: Any) -> Any:
    """Three versions, of which jobs made the last one champion."""
    for _ in range(3):
        published.version()
    return published


def moves(database: Database) -> list[tuple[int | None, int | None, str]]:
    with database.read() as session:
        events = session.scalars(select(AliasEvent).order_by(AliasEvent.id)).all()
        return [(event.from_version, event.to_version, event.reason.partition(" ")[0]) for event in events]


def test_an_alias_tells_where_it_points_and_has_pointed(aliases: Any, three: Any) -> None:
    alias = aliases.get().json()
    assert (alias["model"], alias["alias"], alias["version"], alias["pinned"]) == (
        "digits",
        "champion",
        3,
        False,
    )
    assert [(move["from_version"], move["to_version"]) for move in alias["history"]] == [
        (2, 3),
        (1, 2),
        (None, 1),
    ]


@sqlite_only
def test_a_person_pins_an_alias_and_jobs_leave_it(aliases: Any, three: Any, database: Database) -> None:
    moved = aliases.put(1)
    assert (moved.status_code, moved.json()["version"], moved.json()["pinned"]) == (200, 1, True)
    assert moves(database)[-1] == (3, 1, "moved")
    assert moved.json()["history"][0]["actor"].startswith("key_")
    three.version()
    assert aliases.get().json()["version"] == 1


@sqlite_only
def test_a_new_alias_is_made_where_there_was_none(aliases: Any, three: Any, database: Database) -> None:
    made = aliases.put(2, "stable")
    assert (made.status_code, made.json()["version"], made.json()["revision"]) == (200, 2, 1)
    assert moves(database)[-1] == (None, 2, "moved")
    assert aliases.get("stable").headers["etag"] == made.headers["etag"] == '"v1"'


@sqlite_only
def test_an_alias_is_moved_only_from_where_it_was_seen(aliases: Any, three: Any) -> None:
    seen = aliases.get().headers["etag"]
    assert aliases.put(2, If_Match=seen).status_code == 200
    assert aliases.put(1, If_Match=seen).status_code == 412
    assert aliases.delete(If_Match=seen).status_code == 412
    assert aliases.put(1, "new", If_Match=seen).status_code == 412
    assert aliases.get(If_None_Match=aliases.get().headers["etag"]).status_code == 304
    assert aliases.get().json()["version"] == 2


@sqlite_only
def test_callers_are_not_broken_unless_one_insists(aliases: Any, published: Any) -> None:
    published.version()
    published.version(side=9)
    refused = aliases.put(2)
    assert (refused.status_code, refused.json()["code"]) == (409, "signature_changed")
    assert refused.json()["changes"] == ["predict takes image float32[9, 9, 1], not image float32[8, 8, 1]"]
    assert aliases.get().json()["version"] == 1
    assert aliases.put(2, force=True).json()["version"] == 2
    assert aliases.rollback().status_code == 409
    assert aliases.rollback(force=True).json()["version"] == 1


def test_rolling_back_again_goes_further_back(aliases: Any, three: Any, database: Database) -> None:
    assert [aliases.rollback().json()["version"] for _ in range(2)] == [2, 1]
    refused = aliases.rollback()
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_roll_back")
    assert moves(database)[-2:] == [(3, 2, "rollback"), (2, 1, "rollback")]
    assert aliases.get().json()["pinned"] is True


@sqlite_only
def test_a_move_after_a_rollback_is_rolled_back_to_where_it_began(aliases: Any, three: Any) -> None:
    aliases.rollback()
    aliases.put(1)
    aliases.put(3)
    assert [aliases.rollback().json()["version"] for _ in range(3)] == [1, 2, 1]


@sqlite_only
def test_a_rollback_steps_over_what_was_deleted(aliases: Any, three: Any, client: Any) -> None:
    assert client.delete("/api/v1/models/digits/versions/2").status_code == 204
    assert aliases.rollback().json()["version"] == 1


def test_a_deleted_alias_is_gone_but_not_forgotten(aliases: Any, three: Any, database: Database) -> None:
    assert aliases.delete().status_code == 204
    assert aliases.get().status_code == 404
    assert aliases.delete().status_code == 404
    assert aliases.rollback().status_code == 404
    assert moves(database)[-1] == (3, None, "removed")
    aliases.put(2)
    assert aliases.rollback().status_code == 409


def test_moves_at_once_are_all_remembered(aliases: Any, three: Any, database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: aliases.put(number % 3 + 1), range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    history = moves(database)
    assert len(history) == 3 + 8
    assert all(earlier[1] == later[0] for earlier, later in pairwise(history))
    assert aliases.get().json()["version"] == history[-1][1]


@sqlite_only
def test_what_makes_no_sense_is_refused(aliases: Any, three: Any, client: Any) -> None:
    for version in (4, 0, -1, 10**12):
        refused = aliases.put(version)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/version"), version
    for alias in ("1", "42", "Champion", "a b", "a" * 64):
        assert aliases.put(1, alias).status_code == 422, alias
    for body in ({}, {"version": "1"}, {"version": 1, "colour": "red"}, {"version": 1, "force": 1}):
        assert client.put(f"{aliases.path}/champion", json=body).status_code == 422, body
    assert client.put("/api/v1/models/none/aliases/champion", json={"version": 1}).status_code == 404
    assert aliases.get("none").status_code == 404
