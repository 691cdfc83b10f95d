"""Asks a server with KServe's own client, in an environment of its own; writes what came as one JSON object.

python program.py URL KEY < ROWS, a JSON list
"""

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig


def request(rows: np.ndarray, *, binary: bool, **parameters: Any) -> InferRequest:
    image = InferInput(name="image", shape=list(rows.shape), datatype="FP32")
    image.set_data_from_numpy(rows, binary_data=binary)
    return InferRequest(model_name="digits", infer_inputs=[image], request_id="r-9", parameters=parameters)


async def second(url: str, key: str, rows: np.ndarray) -> dict[str, Any]:
    """Return what version 2 of the protocol shows."""
    client = InferenceRESTClient(RESTConfig(protocol="v2", verify=False))
    found: dict[str, Any] = {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model ready": await client.is_model_ready(url, "digits", headers=headers(key)),
        "no model ready": await client.is_model_ready(url, "none", headers=headers(key)),
    }
    asked = {
        "json": request(rows, binary=False),
        "binary": request(rows, binary=True),
        "binary both ways": request(rows, binary=True, binary_data_output=True),
    }
    for name, each in asked.items():
        told: dict[str, str] = {}
        answer = await client.infer(
            url, each, model_name="digits", headers=headers(key), response_headers=told
        )
        found[name] = answer.outputs[0].as_numpy().tolist()
        # This client reads all of an answer but its version.
        found[f"{name} by"] = [answer.model_name, told["x-keraforge-version"], answer.id]
    plain = {
        "inputs": [{"name": "image", "shape": list(rows.shape), "datatype": "FP32", "data": rows.tolist()}]
    }
    answer = await client.infer(url, plain, model_name="digits/versions/blue", headers=headers(key))
    found["plain"] = answer.outputs[0].as_numpy().tolist()
    try:
        await client.infer(url, plain, model_name="none", headers=headers(key))
    except Exception as error:
        found["refusal"] = str(error)
    return found


async def first(url: str, key: str, rows: np.ndarray) -> dict[str, Any]:
    """Return what version 1 shows, which is TensorFlow Serving's."""
    client = InferenceRESTClient(RESTConfig(protocol="v1", verify=False))
    answer = await client.infer(url, {"instances": rows.tolist()}, model_name="digits", headers=headers(key))
    return {"instances": answer["predictions"]}


def headers(key: str) -> dict[str, str]:
    """Return a new dictionary each time, for the client writes into it."""
    return {"Authorization": f"Bearer {key}"}


async def main() -> None:
    url, key = sys.argv[1:]
    rows = np.array(json.load(sys.stdin), np.float32)
    json.dump(await second(url, key, rows) | await first(url, key, rows), sys.stdout)


asyncio.run(main())
