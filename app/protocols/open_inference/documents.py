"""What the protocol tells of the server and of a version."""

from collections.abc import Sequence
from importlib.metadata import version as installed
from typing import Any

from app.protocols.open_inference.datatypes import OF_PORT
from app.protocols.ports import Port
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole

EXTENSIONS = (
    *("binary_tensor_data", "classification", "generate", "model_configuration", "model_repository"),
    *("parameters", "statistics"),
)


def server() -> dict[str, Any]:
    """Return the metadata of the server."""
    return {"name": "keraforge", "version": installed("keraforge"), "extensions": list(EXTENSIONS)}


def metadata(version: LoadedVersion, role: LoadedRole, ports: Sequence[Port]) -> dict[str, Any]:
    """Return the metadata of a model, without its versions; shapes begin with -1, the rows."""
    return {
        "name": version.model,
        "platform": "keraforge_onnx",
        "inputs": [
            {"name": port.name, "datatype": OF_PORT[port.sort], "shape": [-1, *port.shape]} for port in ports
        ],
        "outputs": [
            {"name": tensor.name, "datatype": "FP32", "shape": [-1, *tensor.shape]} for tensor in role.outputs
        ],
    }


def config(version: LoadedVersion, role: LoadedRole, ports: Sequence[Port]) -> dict[str, Any]:
    """Return the configuration as Triton's clients read it; shapes are without the rows."""
    kinds = {"float": "TYPE_FP32", "int": "TYPE_INT32", "string": "TYPE_STRING"}
    return {
        "name": version.model,
        "platform": "keraforge_onnx",
        "max_batch_size": role.max_rows,
        "input": [
            {"name": port.name, "data_type": kinds[port.sort], "dims": list(port.shape)} for port in ports
        ],
        "output": [
            {"name": tensor.name, "data_type": "TYPE_FP32", "dims": list(tensor.shape)}
            for tensor in role.outputs
        ],
        "model_transaction_policy": {"decoupled": False},
    }
