"""The training program as a member of a gang: two of them, over the loopback interface."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from small_orders import made

TREE = Path(__file__).parents[3]
DEADLINE_SECONDS = 300


class Member:
    """One run of the program on an order."""

    def __init__(self, folder: Path, order: dict[str, Any]) -> None:
        folder.mkdir()
        (folder / "order.json").write_text(json.dumps(order))
        self.folder = folder
        with (folder / "events").open("wb") as events, (folder / "stderr").open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "workers.children.trainer", str(folder)],
                stdout=events,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": str(TREE), "KERAS_BACKEND": "tensorflow"},
            )

    def of(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.folder / "events").read_bytes().split(b"\n")[:-1]
        return [event["data"] for event in map(json.loads, lines) if event["type"] == kind]

    def status(self) -> int:
        """Wait for its end and return the exit status."""
        try:
            return self.process.wait(timeout=DEADLINE_SECONDS)
        finally:
            self.process.kill()


def gang(folder: Path, order: dict[str, Any], seconds: float) -> list[Member]:
    """Start two members on one order; the chief alone keeps checkpoints."""
    folder.mkdir()
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()
    chief = {"checkpoints": str(folder.parent / "checkpoints"), "checkpoint_seconds": seconds}
    return [
        Member(folder / str(rank), order | own | {"gang": {"rank": rank, "addresses": addresses}})
        for rank, own in enumerate((chief, {}))
    ]


@pytest.fixture
def order(tmp_path: Path) -> dict[str, Any]:
    return made(tmp_path / "files", "mlp", {"epochs": 60, "slots": 2})


def begun(members: list[Member]) -> int:
    """Wait until the chief has kept a checkpoint with some steps; return how many."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not any(checkpoint["step"] for checkpoint in members[0].of("checkpoint")):
        assert time.monotonic() < deadline, (members[0].folder / "stderr").read_text()[-4000:]
        time.sleep(0.005)
    step: int = members[0].of("checkpoint")[-1]["step"]
    return step


@pytest.mark.long
def test_a_gang_is_left_together_goes_on_and_comes_to_one_result(
    tmp_path: Path, order: dict[str, Any]
) -> None:
    members = gang(tmp_path / "first", order, 0)
    kept = begun(members)
    # Whichever is asked to leave, all do.
    members[1].process.terminate()
    assert [member.status() for member in members] == [75, 75]

    chief, member = gang(tmp_path / "second", order | {"attempt": 2, "resume": True}, 30)
    assert [chief.status(), member.status()] == [0, 0], (chief.folder / "stderr").read_text()[-4000:]
    assert chief.of("resumed")[0]["step"] >= kept > 0
    assert [figures["epoch"] for figures in chief.of("epoch")] == list(range(1, 61))
    [result] = chief.of("result")
    assert (chief.folder / "output" / "predict.onnx").is_file()
    assert result["stop_reason"] == "completed"
    assert member.of("result") == []
    assert list((member.folder / "output").iterdir()) == []


def test_a_gang_that_lost_a_member_says_so(tmp_path: Path, order: dict[str, Any]) -> None:
    members = gang(tmp_path / "first", order, 0)
    begun(members)
    members[1].process.kill()
    members[1].status()
    assert members[0].status() == 70
    [failure] = members[0].of("error")
    assert (failure["code"], failure["retryable"]) == ("worker_lost", True)
