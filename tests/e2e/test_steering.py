"""A training that is paused, resumed, killed with its worker, and told to finish, in the real service."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

import keraforge

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.mark.long
def test_a_training_goes_on_through_a_pause_and_the_death_of_its_worker_until_it_is_stopped(
    up: Any, wait_until: Callable[[Callable[[], bool], str], None]
) -> None:
    key = (up.folder / "api-key").read_text().strip()
    with keraforge.Client((up.folder / "url").read_text().strip(), key) as client:
        client.datasets.create("digits", builtin="digits")
        training = {"epochs": 10_000, "early_stopping": None}
        job = client.train(
            model="digits", dataset="digits", network={"preset": "cnn-small"}, training=training
        ).id

        def reached(attempt: int) -> Callable[[], bool]:
            def holds() -> bool:
                found = client.jobs.get(job)
                assert found.state in {"queued", "running"}, found.raw
                return found.state == "running" and (found.checkpoint or {}).get("attempt") == attempt

            return holds

        wait_until(reached(1), "a checkpoint of the first attempt")
        client.jobs.pause(job)
        wait_until(lambda: client.jobs.get(job).state == "paused", "the pause")
        paused = client.jobs.get(job)
        assert (paused.restarts, paused.child_gone_at is not None) == (0, True)
        client.jobs.resume(job)
        wait_until(reached(2), "a checkpoint of the second attempt")
        os.kill(up.pid_of("workers.celery_app"), signal.SIGKILL)
        wait_until(reached(3), "a checkpoint of the third attempt")
        [worker] = client.workers.list()
        assert (worker.state, worker.jobs) == ("working", [job])
        client.jobs.stop(job)
        ended = client.jobs.wait(job, timeout=120)
        assert (ended.stop_reason, ended.restarts, ended.attempt) == ("stopped", 0, 3)
        for series in client.jobs.metrics(job)["series"]:
            epochs = [point["epoch"] for point in series["points"]]
            assert epochs == [*range(1, len(epochs) + 1)]
        resumed = [line for line in client.jobs.logs(job) if line["message"].startswith("Resumed after")]
        assert len(resumed) == 2
        clone = client.jobs.clone(job, {"training": {"epochs": 1, "early_stopping": None}})
        assert client.jobs.wait(clone.id, timeout=120).version == 2
