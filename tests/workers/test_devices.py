"""GPUs as a worker finds and lends them; ``nvidia-smi`` is a script that prints what the real one does."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.database import Database
from app.settings import Settings
from app.tables import Worker as WorkerRow
from workers import devices, slots, starting
from workers.child import Program
from workers.devices import Device, devices_of, parsed
from workers.supervisor import Limits
from workers.worker import Worker

TWO = """GPU 0: NVIDIA H200 (UUID: GPU-5d5ba0d6-0001)
GPU 1: NVIDIA H200 (UUID: GPU-d33d2b2c-0002)
"""
PARTS = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-0001)
  MIG 1g.5gb      Device  0: (UUID: MIG-c6d4f1ef-0003)
  MIG 3g.20gb     Device  1: (UUID: MIG-a28ad590-0004)
GPU 1: Tesla T4 (UUID: GPU-d33d2b2c-0002)
"""
IDS = ["GPU-5d5ba0d6-0001", "GPU-d33d2b2c-0002"]


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a program called nvidia-smi first on the path, made of these lines of shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def make(lines: str) -> None:
        program = folder / "nvidia-smi"
        program.write_text(f'#!/bin/sh\ntest "$*" = "-L" || exit 9\n{lines}\n')
        program.chmod(0o755)

    return make


def printing(text: str) -> str:
    return f"cat <<'END'\n{text}END"


def test_gpus_are_listed_by_what_cuda_and_people_call_them() -> None:
    assert parsed(TWO.splitlines()) == tuple(Device(name, "NVIDIA H200") for name in IDS)
    assert parsed(["No devices found.", ""]) == ()


def test_of_a_gpu_in_parts_the_parts_are_listed() -> None:
    found = parsed(PARTS.splitlines())
    assert [device.id for device in found] == ["MIG-c6d4f1ef-0003", "MIG-a28ad590-0004", IDS[1]]
    assert [device.is_part for device in found] == [True, True, False]
    assert found[1].name == "NVIDIA A100-SXM4-40GB, 3g.20gb"


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("1,0", [IDS[1], IDS[0]]),
        ("GPU-d33d", [IDS[1]]),
        ("0,7,1", [IDS[0]]),
        ("", []),
        ("-1", []),
    ],
)
def test_what_the_workers_environment_hides_is_not_used(
    nvidia_smi: Any, monkeypatch: pytest.MonkeyPatch, visible: str, expected: list[str]
) -> None:
    nvidia_smi(printing(TWO))
    assert [device.id for device in devices_of("auto")] == IDS
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [device.id for device in devices_of("auto")] == expected


def test_a_setting_names_the_gpus_without_asking(nvidia_smi: Any) -> None:
    nvidia_smi(printing(TWO))
    assert devices_of("none") == ()
    assert [device.id for device in devices_of("3,GPU-0007")] == ["3", "GPU-0007"]


def test_a_machine_without_the_program_has_no_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices_of("auto") == ()


def test_a_program_that_fails_is_told_of(nvidia_smi: Any, caplog: pytest.LogCaptureFixture) -> None:
    nvidia_smi("echo 'Driver/library version mismatch'; exit 18")
    assert devices_of("auto") == ()
    assert "Driver/library version mismatch" in caplog.text


def test_a_program_that_hangs_is_not_waited_for(
    nvidia_smi: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nvidia_smi("exec sleep 60")
    monkeypatch.setattr(devices, "LOOKING_SECONDS", 0.3)
    begun = time.monotonic()
    assert devices_of("auto") == ()
    assert time.monotonic() - begun < 30
    assert "did not answer" in caplog.text


@pytest.fixture
def preload() -> tuple[str, ...]:
    return ()


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data", database_url=sqlite_url, devices="auto")


@pytest.fixture
def worker(
    settings: Settings, preload: tuple[str, ...], nvidia_smi: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Worker]:
    """A worker with two GPUs."""
    monkeypatch.setattr(slots, "POLL_SECONDS", 0.2)
    nvidia_smi(printing(TWO))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "programs"))
    programs = {"training": Program("scripted_child", preload), "reading": Program("scripted_child")}
    worker = Worker(settings, programs=programs, limits=Limits(first_event=1.0, drain_grace=0.5))
    worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def database(settings: Settings, worker: Worker) -> Iterator[Database]:
    database = Database(settings.resolved_database_url, on_commit=worker.ring)
    yield database
    database.close()


def seen_by(bench: Any, job_id: str) -> str:
    line = bench.until(lambda: bench.rows.events(job_id, "log"), "what the child sees")[0]
    message: str = line.data["message"]
    return message


def test_each_gpu_has_a_training_slot_and_each_child_sees_its_own(bench: Any, worker: Worker) -> None:
    jobs = [bench.rows.training("devices") for _ in range(3)]
    assert {seen_by(bench, job) for job in jobs[:2]} == {f"{name} true" for name in IDS}
    assert bench.rows.job(jobs[2]).state == "queued"
    freed = seen_by(bench, jobs[0])
    bench.move(jobs[0], "cancelling")
    assert seen_by(bench, jobs[2]) == freed


def test_a_job_for_several_gpus_has_them_as_soon_as_they_are_free(bench: Any, worker: Worker) -> None:
    narrow = bench.rows.training("devices")
    seen_by(bench, narrow)
    wide, last = (bench.rows.training("devices", devices=number) for number in (2, 1))
    # A slot is free, and does not pass the wide one by.
    time.sleep(2 * slots.POLL_SECONDS)
    assert bench.rows.job(last).state == "queued"
    bench.move(narrow, "cancelling")
    assert set(seen_by(bench, wide).split()[0].split(",")) == set(IDS)
    assert bench.rows.job(last).state == "queued"
    bench.move(wide, "cancelling")
    assert seen_by(bench, last) in {f"{name} true" for name in IDS}


def test_a_job_for_more_gpus_than_there_are_is_left_to_other_workers(bench: Any, worker: Worker) -> None:
    wide, narrow = (bench.rows.training("devices", devices=number) for number in (3, 1))
    assert seen_by(bench, narrow)
    assert bench.rows.job(wide).state == "queued"


def test_other_children_see_no_gpu(bench: Any, worker: Worker) -> None:
    [pid] = bench.pids(bench.rows.reading(wait=True))
    assert b"CUDA_VISIBLE_DEVICES=\0" in Path(f"/proc/{pid}/environ").read_bytes()


def test_the_list_of_workers_names_slots_and_gpus(bench: Any, worker: Worker) -> None:
    with bench.rows.database.read() as session:
        [row] = session.query(WorkerRow).all()
    assert (row.slots, row.devices) == ({"training": 2, "light": 1}, ["NVIDIA H200"] * 2)


def test_a_worker_without_training_slots_looks_for_no_gpus(settings: Settings, nvidia_smi: Any) -> None:
    nvidia_smi(printing(TWO))
    worker = Worker(settings.model_copy(update={"training_slots": 0}))
    assert (worker.gpus, worker.sorts) == ((), {"light": 1})


def origin(bench: Any, model: str = "origin") -> str:
    return seen_by(bench, bench.ended(bench.rows.training(model)).id)


@pytest.mark.parametrize("preload", [("colorsys",)])
class TestWarmStart:
    """With GPUs no fork server is used, whose children could not use the driver: a spare process waits."""

    def test_every_child_is_a_spare_process_that_learns_its_gpu_last(
        self, bench: Any, worker: Worker
    ) -> None:
        assert [origin(bench) for _ in range(3)] == ["spare"] * 3
        assert seen_by(bench, bench.rows.training("devices")) in {f"{name} true" for name in IDS}

    def test_a_spare_process_that_gives_no_sign_of_life_is_replaced(self, bench: Any, worker: Worker) -> None:
        assert origin(bench, "mute") == "cold"
        assert origin(bench) == "spare"

    def test_none_is_made_while_memory_is_short(
        self, bench: Any, monkeypatch: pytest.MonkeyPatch, worker: Worker
    ) -> None:
        monkeypatch.setattr(starting, "LEAST_FREE_BYTES", 2**60)
        # Those of both slots were made already.
        assert sorted(origin(bench) for _ in range(4))[:2] == ["cold", "cold"]
