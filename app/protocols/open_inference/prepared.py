"""What is kept ready of a version for those who ask it as the Open Inference Protocol has it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.protocols.compressed import packed
from app.protocols.inputs import JSON_TYPE
from app.protocols.open_inference import documents, envelope
from app.protocols.open_inference.generation import Writer
from app.protocols.open_inference.inputs import Limits, read_inputs
from app.protocols.open_inference.outputs import Wanted, answer_of, wanted_of
from app.protocols.open_inference.raw import read_raw
from app.protocols.open_inference.repeated import Repeated, Request
from app.protocols.ports import Array, Port, main_role, ports_of
from app.protocols.replies import Header, headers_of
from app.serving.generation import Language
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole
from app.settings import Settings

# Microseconds: about as many as a client can say.
_LONGEST = 2**63


class Prepared(NamedTuple):
    """What is kept ready of a version, but not the version itself; ``writer`` is there if it writes text."""

    role: LoadedRole
    ports: list[Port]
    limits: Limits
    labels: tuple[str, ...]
    head: dict[str, Any]
    headers: list[Header]
    documents: Mapping[str, Any]
    writer: Writer | None
    repeated: Repeated

    @classmethod
    def of(cls, version: LoadedVersion, settings: Settings) -> "Prepared":
        """Prepare a version."""
        role = main_role(version)
        ports = ports_of(version, role, max_pixels=settings.image_pixels)
        head = {"model_name": version.model, "model_version": str(version.number)}
        headers = headers_of(version, JSON_TYPE)
        return cls(
            role,
            ports,
            Limits(role.max_rows, settings.predict_body_bytes),
            version.signature.labels,
            head,
            headers,
            {
                "metadata": documents.metadata(version, role, ports),
                "config": documents.config(version, role, ports),
            },
            _writer(version, head, headers),
            Repeated(ports),
        )

    def read(self, body: bytes, length: bytes | None, *, wants_json: bool) -> Request:
        """Return what a body asks for; raise :class:`~app.errors.BadRequest` for what is wrong with it."""
        json_length = envelope.json_length(length, body)
        if json_length == 0:
            wanted = [Wanted(name, not wants_json) for name in self.role.names]
            return Request(None, read_raw(body, self.ports), wanted)
        text = body[:json_length]
        known = self.repeated.find(text, body)
        if known is not None:
            return known
        document = envelope.document_of(text)
        binary = memoryview(body)[len(text) :]
        asked_id = envelope.id_of(document)
        inputs = read_inputs(document, binary, self.ports, self.limits)
        request = Request(asked_id, inputs, wanted_of(document, self.role.names), _seconds(document))
        if len(binary):
            self.repeated.keep(text, document, request)
        return request

    def answer(
        self, request: Request, packing: bytes | None, outputs: Mapping[str, Array]
    ) -> tuple[bytes, int | None]:
        """Return the body of the answer, and the length of its JSON part, unpacked, where bytes follow."""
        head = self.head if request.id is None else {**self.head, "id": request.id}
        body, json_length = answer_of(head, outputs, request.wanted, self.labels, self.role.statistics)
        return body if packing is None else packed(body, packing), json_length

    def headers_of(self, json_length: int | None) -> list[Header]:
        """Return the headers of an answer, with the length of its JSON part where bytes follow."""
        if json_length is None:
            return self.headers
        binary = [(b"content-type", b"application/octet-stream"), (envelope.HEADER, b"%d" % json_length)]
        return [*binary, *self.headers[1:]]


def _seconds(document: Mapping[str, Any]) -> float | None:
    """Return how long a client waits, which it tells in microseconds; other values mean nothing."""
    parameters = document.get("parameters")
    timeout = parameters.get("timeout") if isinstance(parameters, dict) else None
    # No one waits longer than the service allows; what has no end is too large for a float.
    return min(timeout, _LONGEST) / 1e6 if type(timeout) is int and timeout > 0 else None


def _writer(version: LoadedVersion, head: Mapping[str, Any], headers: list[Header]) -> Writer | None:
    schema = version.signature.text
    if schema is None or "step" not in version.roles:
        return None
    return Writer(version.roles["step"], Language(version, schema), head, headers)
