"""A body that is one tensor and nothing else: ``Inference-Header-Content-Length: 0``."""

import math
from collections.abc import Sequence

import numpy as np

from app.errors import BadRequest
from app.protocols.open_inference.datatypes import DTYPES, OF_PORT
from app.protocols.pictures import image_type
from app.protocols.ports import Array, Port, PortError


def read_raw(body: bytes, ports: Sequence[Port]) -> dict[str, Array]:
    """Return the one row that a body is: numbers, a text, or a picture; its shape follows from its size."""
    if len(ports) != 1:
        raise BadRequest(
            f"A raw binary body is for versions with one input; this one has {len(ports)}: "
            f"{', '.join(port.name for port in ports[:20])}."
        )
    (port,) = ports
    try:
        if port.see is not None and image_type(body) is not None:
            return {port.name: port.see(body)}
        return {port.name: port.take(_values(body, port))}
    except PortError as error:
        raise BadRequest(f"input {port.name!r}: {error}") from None


def _values(body: bytes, port: Port) -> Array:
    if port.sort == "string":
        found = np.empty(1, object)
        try:
            found[0] = body.decode()
        except UnicodeDecodeError as error:
            raise PortError(f"expected text in UTF-8; byte {error.start} is not") from None
        return found
    dtype = DTYPES[OF_PORT[port.sort]]
    fixed = math.prod(side for side in port.shape if side != -1) * dtype.itemsize
    is_fixed = -1 not in port.shape
    if not body or len(body) % fixed or (is_fixed and len(body) != fixed):
        expected = f"{fixed} bytes" if is_fixed else f"a multiple of {fixed} bytes"
        raise PortError(f"expected {expected} of {OF_PORT[port.sort]}, got {len(body)}")
    return np.frombuffer(body, dtype).reshape(1, *port.shape)
