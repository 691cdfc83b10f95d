import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from app.database import Database
from app.errors import BadRequest
from app.jobs.idempotency import begin, fingerprint, finish, parse_key
from app.jobs.schemas import JobCreate
from app.tables import Dataset, IdempotencyKey, Job
from app.tables.base import now

# Where no query differs between the databases.
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def test_a_repeated_request_gets_the_first_answer(jobs: Any, digits: Dataset, database: Database) -> None:
    first = jobs.post(jobs.body(), Idempotency_Key="try-1")
    jobs.client.patch(f"/api/v1/jobs/{first.json()['id']}", json={"notes": "changed since"})
    again = jobs.post(jobs.body(), Idempotency_Key='"try-1"')
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert count(database) == 1


def test_a_key_of_another_request_is_refused(jobs: Any, digits: Dataset, database: Database) -> None:
    jobs.post(jobs.body(), Idempotency_Key="try-1")
    refused = jobs.post(jobs.body(priority=1), Idempotency_Key="try-1")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert count(database) == 1


@sqlite_only
def test_a_refusal_does_not_use_the_key_up(jobs: Any, digits: Dataset) -> None:
    assert jobs.post(jobs.body("none"), Idempotency_Key="try-1").status_code == 422
    assert jobs.post(jobs.body(network={"preset": "none"}), Idempotency_Key="try-1").status_code == 422
    accepted = jobs.post(jobs.body(), Idempotency_Key="try-1")
    assert accepted.status_code == 202
    assert "idempotent-replayed" not in accepted.headers


def test_a_key_is_forgotten_after_a_day(jobs: Any, digits: Dataset, database: Database) -> None:
    jobs.post(jobs.body(), Idempotency_Key="try-1")
    with database.write() as session:
        session.scalars(select(IdempotencyKey)).one().created_at = now() - timedelta(hours=24, seconds=1)
    again = jobs.post(jobs.body(priority=1), Idempotency_Key="try-1")
    assert "idempotent-replayed" not in again.headers
    assert count(database) == 2


def test_keys_of_two_owners_do_not_meet(database: Database) -> None:
    for owner in ("local", "other"):
        with database.write() as session:
            assert begin(session, owner, "try-1", "print") is None
            finish(session, owner, "try-1", status=202, location="/", body={})
    with database.write() as session:
        assert begin(session, "local", "try-1", "print") is not None


def test_twenty_requests_at_once_make_one_job(jobs: Any, digits: Dataset, database: Database) -> None:
    answers: list[httpx.Response] = []

    def post() -> None:
        # As clients do where the first request took so long that those behind it gave up.
        sent = (jobs.post(jobs.body(), Idempotency_Key="try-1") for _ in range(10))
        answers.append(next(answer for answer in sent if answer.status_code != 503))

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 19
    assert count(database) == 1


@sqlite_only
def test_without_a_key_two_requests_make_two_jobs(jobs: Any, digits: Dataset, database: Database) -> None:
    assert jobs.submit()["id"] != jobs.submit()["id"]
    assert count(database) == 2


@pytest.mark.parametrize("header", ["", " ", "a b", '"a', 'a"', "ä", "a" * 256, "a\n", '""'])
def test_what_is_no_key_is_refused(header: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_key(header)
    assert refused.value.code == "invalid_header"


def test_the_order_of_fields_does_not_matter_but_every_value_does() -> None:
    body = {"model": "m", "dataset": "d", "network": {"a": 1, "b": 2}}
    turned = {"network": {"b": 2, "a": 1}, "dataset": "d", "model": "m"}
    prints = [fingerprint("POST /", JobCreate.model_validate(sent)) for sent in (body, turned)]
    assert prints[0] == prints[1]
    assert prints[0] != fingerprint("POST /", JobCreate.model_validate(body | {"network": {"a": 1, "b": 3}}))
    assert prints[0] != fingerprint("POST /other", JobCreate.model_validate(body))
