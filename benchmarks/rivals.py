"""The other servers: how each is started in its environment, and how it is asked."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from benchmarks import servers
from benchmarks.environments import ENVIRONMENTS, PEERS_FOLDER
from benchmarks.servers import Server

_DATATYPES = {"float32": "FP32", "int32": "INT32"}


@dataclass(frozen=True)
class Rival:
    """Another server: what starts it, where it says that it is ready, and where it is asked."""

    name: str
    command: tuple[str, ...]
    ready: str
    path: str

    def body(self, rows: np.ndarray, tensor: str) -> bytes:
        """Return the JSON body that asks for rows, in the server's own format."""
        if self.name != "mlserver":
            return json.dumps({"instances": rows.tolist()}).encode()
        datatype = _DATATYPES[str(rows.dtype)]
        told = {"name": tensor, "shape": rows.shape, "datatype": datatype, "data": rows.ravel().tolist()}
        return json.dumps({"inputs": [told]}).encode()


RIVALS = (
    Rival("litserve", ("bin/python", "server.py"), "/health", "/predict"),
    Rival("bentoml", ("bin/bentoml", "serve", "service:Classifier"), "/readyz", "/predict"),
    Rival("mlserver", ("bin/mlserver", "start", "."), "/v2/health/ready", "/v2/models/classifier/infer"),
)


@contextmanager
def running(rival: Rival, graph: Mapping[str, str], cores: set[int]) -> Iterator[Server]:
    """Run a server on some cores until the end of the block."""
    port = str(free_port())
    environment = {
        **os.environ,
        **graph,
        "PORT": port,
        "BENTOML_DO_NOT_TRACK": "True",
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": port,
        "MLSERVER_GRPC_PORT": "0",
        "MLSERVER_METRICS_PORT": "0",
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_DEBUG": "false",
        "MLSERVER_ACCESS_LOG": "false",
    }
    program, *rest = rival.command
    if rival.name == "bentoml":
        rest += ["--host", "127.0.0.1", "--port", port]
    command = [str(ENVIRONMENTS / rival.name / program), *rest]
    url = f"http://127.0.0.1:{port}{rival.ready}"
    with servers.running(command, environment, cores, url=url, folder=PEERS_FOLDER / rival.name) as server:
        yield server


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
