import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app.keys.text import new_key_text
from app.logging import configure_logging
from app.settings import Settings

KEY = new_key_text("key_01abc")


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()
    configure_logging(Settings(_env_file=None))


def configure(**settings: Any) -> None:
    configure_logging(Settings(_env_file=None, **settings))


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_both_ways_of_logging_end_in_the_same_form(capfd: pytest.CaptureFixture[str]) -> None:
    configure(log_format="json")
    structlog.contextvars.bind_contextvars(job_id="job_1")
    logging.getLogger("library").warning("it took %d s", 3)
    structlog.get_logger("ours").warning("slow", seconds=3)
    first, second = lines(capfd)
    shared = {"job_id": "job_1", "level": "warning"}
    assert first == {"event": "it took 3 s", "logger": "library", "timestamp": first["timestamp"], **shared}
    assert second == {
        "event": "slow",
        "logger": "ours",
        "seconds": 3,
        "timestamp": second["timestamp"],
        **shared,
    }
    assert second["timestamp"].endswith("Z")


def test_people_get_one_readable_line(capfd: pytest.CaptureFixture[str]) -> None:
    configure()
    structlog.get_logger("ours").info("slow", seconds=3)
    (line,) = capfd.readouterr().err.splitlines()
    assert "slow" in line
    assert "seconds=3" in line
    assert "\x1b" not in line


def test_lines_below_the_level_are_not_written(capfd: pytest.CaptureFixture[str]) -> None:
    configure(log_level="WARNING", log_format="json")
    structlog.get_logger("ours").info("hidden")
    logging.getLogger("library").info("hidden")
    structlog.get_logger("ours").error("shown")
    assert [line["event"] for line in lines(capfd)] == ["shown"]


def test_configuring_twice_does_not_write_twice(capfd: pytest.CaptureFixture[str]) -> None:
    configure(log_format="json")
    configure(log_format="json")
    logging.getLogger("library").warning("once")
    assert len(lines(capfd)) == 1


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_secrets_are_blackened_wherever_they_stand(
    capfd: pytest.CaptureFixture[str], log_format: str
) -> None:
    configure(log_format=log_format)
    secrets = [KEY, "Wn3x-Zq_secretcode", "hunter2"]
    address = "postgresql://ada:hunter2@db/keraforge"
    log = structlog.get_logger("ours")
    log.warning(f"key {KEY}", link="http://127.0.0.1:8000/login?code=Wn3x-Zq_secretcode")
    log.warning("nested", headers={"authorization": [f"Bearer {KEY}"]}, url=address)
    logging.getLogger("library").warning("connecting to %s with %s", address, KEY)
    try:
        raise RuntimeError(address, KEY)
    except RuntimeError:
        log.exception("failed")
    written = capfd.readouterr().err
    assert [secret for secret in secrets if secret in written] == []
    assert written.count("[redacted]") >= 8
    assert "RuntimeError" in written
    assert "@db/keraforge" in written


def test_a_traceback_shows_no_values_of_variables(capfd: pytest.CaptureFixture[str]) -> None:
    configure()
    password = "".join(["not", "-in-", "the-source"])
    try:
        raise RuntimeError("failed") from None
    except RuntimeError:
        structlog.get_logger("ours").exception("it failed")
    written = capfd.readouterr().err
    assert "RuntimeError: failed" in written
    assert password not in written


def test_the_servers_lines_come_in_our_form_but_not_its_access_log(capfd: pytest.CaptureFixture[str]) -> None:
    noisy = logging.StreamHandler()
    for name in ("uvicorn", "uvicorn.access"):
        logging.getLogger(name).addHandler(noisy)
    configure(log_format="json")
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("uvicorn.access").info("GET /")
    assert [line["event"] for line in lines(capfd)] == ["started"]
