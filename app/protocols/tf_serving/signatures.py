"""Roles as signatures: the main one is ``serving_default``, and each has its own name too."""

from collections.abc import Mapping
from typing import Any

from app.errors import BadRequest
from app.protocols.ports import Port, main_role, ports_of
from app.protocols.tf_serving.refusals import unknown_signature
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole

DEFAULT = "serving_default"
_TYPES = {"float": "DT_FLOAT", "int": "DT_INT32", "string": "DT_STRING"}


class Signature:
    """One role and its inputs, ready to be asked; it does not hold the version itself."""

    def __init__(self, version: LoadedVersion, role: LoadedRole, max_pixels: int) -> None:
        self.role = role
        self.ports = ports_of(version, role, max_pixels=max_pixels)
        self.labels = version.signature.labels

    @property
    def names(self) -> list[str]:
        """The names of the inputs."""
        return [port.name for port in self.ports]


def signatures_of(version: LoadedVersion, *, max_pixels: int) -> Mapping[str, Signature]:
    """Return all signatures of a version by name."""
    roles: dict[str, Signature] = {
        name: Signature(version, role, max_pixels) for name, role in version.roles.items()
    }
    main = main_role(version)
    default = next(signature for signature in roles.values() if signature.role is main)
    return {DEFAULT: default, **roles}


def chosen(signatures: Mapping[str, Signature], body: Mapping[str, Any]) -> Signature:
    """Return the signature that a body names; raise :class:`~app.errors.BadRequest` for another."""
    name = body.get("signature_name", DEFAULT)
    if not isinstance(name, str):
        raise BadRequest("'signature_name' key must be a string value.")
    found = signatures.get(name or DEFAULT)
    if found is None:
        raise unknown_signature(name, sorted(signatures))
    return found


def metadata(version: LoadedVersion, signatures: Mapping[str, Signature]) -> dict[str, Any]:
    """Return the document of ``/metadata``; whole numbers are strings, as protobuf's JSON has them."""
    found = {name: _definition(signature) for name, signature in signatures.items()}
    return {
        "model_spec": {"name": version.model, "signature_name": "", "version": str(version.number)},
        "metadata": {"signature_def": {"signature_def": found}},
    }


def _definition(signature: Signature) -> dict[str, Any]:
    return {
        "inputs": {port.name: _input(port) for port in signature.ports},
        "outputs": {
            tensor.name: _tensor(tensor.name, "DT_FLOAT", tensor.shape) for tensor in signature.role.outputs
        },
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }


def _input(port: Port) -> dict[str, Any]:
    return _tensor(port.name, _TYPES[port.sort], port.shape)


def _tensor(name: str, dtype: str, shape: tuple[int, ...]) -> dict[str, Any]:
    dimensions = [{"size": str(size), "name": ""} for size in (-1, *shape)]
    return {"dtype": dtype, "tensor_shape": {"dim": dimensions, "unknown_rank": False}, "name": f"{name}:0"}
