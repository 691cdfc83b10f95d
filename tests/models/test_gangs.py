"""Two processes that train one network together, over the loopback interface."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TREE = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "programs" / "gang_member.py"


def free_ports(number: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


def trained(folder: Path, case: str, dies_at: int = 0) -> dict[str, Any]:
    """Train with two members, the second of which may die; return what the chief says."""
    environment = os.environ | {"PYTHONPATH": str(TREE), "KERAS_BACKEND": "tensorflow"}
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    members = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(folder), case, str(rank), str(dies_at * rank), *addresses],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    try:
        printed = [member.communicate(timeout=300) for member in members]
    finally:
        for member in members:
            member.kill()
    assert printed[0][0], printed[0][1][-4000:]
    found: dict[str, Any] = json.loads(printed[0][0].splitlines()[-1])
    return found


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    found = trained(tmp_path, "classes")
    assert found["losses"] < 1e-5
    assert found["weights"] < 1e-5


@pytest.mark.long
def test_a_gang_that_lost_a_member_goes_on_from_the_last_steps_with_the_same_bits(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    trained(whole, "random")
    assert "lost" in trained(broken, "random", dies_at=12)
    assert list(broken.glob("*.npz"))
    trained(broken, "random")
    one, other = (np.load(folder / "weights.npz") for folder in (whole, broken))
    assert all(np.array_equal(one[name], other[name]) for name in one)
