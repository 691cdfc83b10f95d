"""The least that a server can be: plain ASGI applications behind uvicorn, one that runs a graph on a body's
bytes, and one that does nothing. They show what is left to gain, and whether the load is enough.

``GRAPH`` names the ONNX file; without it nothing is done.
"""

import os

import numpy as np

from models.onnx_runtime import onnxruntime

_OK = {"type": "http.response.start", "status": 200}


def _session() -> onnxruntime.InferenceSession | None:
    if "GRAPH" not in os.environ:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(os.environ["GRAPH"], options)


_graph = _session()


async def app(scope, receive, send) -> None:
    """Answer with the first output's bytes."""
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = _run(body) if _graph is not None and body else b"{}"
    length = (b"content-length", b"%d" % len(answer))
    await send({**_OK, "headers": [length]})
    await send({"type": "http.response.body", "body": answer})


def _run(body: bytes) -> bytes:
    tensor = _graph.get_inputs()[0]
    rows = np.frombuffer(body, np.float32).reshape(-1, *tensor.shape[1:])
    return _graph.run(None, {tensor.name: rows})[0].tobytes()
