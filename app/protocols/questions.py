"""What a version can be asked, and what answers it."""

from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.types import Receive, Scope, Send

from app.errors import Conflict, shortened
from app.protocols.arrays import ERROR, RECONSTRUCTION, AnomalyWriter, ArrayWriter, output_of
from app.protocols.generate import Generate
from app.protocols.inputs import inputs_of
from app.protocols.next_token import NextToken
from app.protocols.predictions import PredictionWriter
from app.protocols.rows import Rows
from app.protocols.samples import Samples
from app.serving.execution import Execution
from app.serving.loaded import LoadedVersion
from app.settings import Settings
from models.schema import TextSchema
from models.signature import Role


class Wire(Protocol):
    """What is kept ready to answer one question about one version, but not the version itself."""

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""


Making = Callable[[LoadedVersion, Execution, Settings], Wire]


def _predict(version: LoadedVersion, execution: Execution, settings: Settings) -> Wire:
    role = version.roles["predict"]
    inputs = inputs_of(version, role, settings)
    return Rows(role, inputs, PredictionWriter(version, role), execution)


def _encode(version: LoadedVersion, execution: Execution, settings: Settings) -> Wire:
    role = version.roles["encode"]
    inputs = inputs_of(version, role, settings)
    return Rows(role, inputs, ArrayWriter(version, output_of(role, "codes"), "codes"), execution)


def _decode(version: LoadedVersion, execution: Execution, settings: Settings) -> Wire:
    role = version.roles["decode"]
    inputs = inputs_of(version, role, settings, field="codes")
    writer = ArrayWriter(version, output_of(role, RECONSTRUCTION), "reconstructions")
    return Rows(role, inputs, writer, execution)


def _reconstruct(version: LoadedVersion, execution: Execution, settings: Settings) -> Wire:
    role = version.roles["reconstruct"]
    inputs = inputs_of(version, role, settings)
    beside = {ERROR: "errors"}
    writer = ArrayWriter(version, output_of(role, RECONSTRUCTION), "reconstructions", beside)
    return Rows(role, inputs, writer, execution)


def _anomalies(version: LoadedVersion, execution: Execution, settings: Settings) -> Wire:
    role = version.roles["reconstruct"]
    inputs = inputs_of(version, role, settings)
    return Rows(role, inputs, AnomalyWriter(version, role), execution)


def _samples(version: LoadedVersion, execution: Execution, settings: Settings) -> Wire:
    return Samples(version, version.roles["sample"], execution)


def _generate(version: LoadedVersion, execution: Execution, settings: Settings) -> Wire:
    return Generate(version, version.roles["step"], _text(version), execution)


def _next_token(version: LoadedVersion, execution: Execution, settings: Settings) -> Wire:
    return NextToken(version, version.roles["step"], _text(version), execution)


def _text(version: LoadedVersion) -> TextSchema:
    assert version.signature.text is not None, "what writes text says how text becomes tokens"
    return version.signature.text


QUESTIONS: Mapping[str, Mapping[Role, Making]] = {
    "predict": {"predict": _predict, "step": _next_token},
    "encode": {"encode": _encode},
    "decode": {"decode": _decode},
    "reconstruct": {"reconstruct": _reconstruct},
    "anomalies": {"reconstruct": _anomalies},
    "samples": {"sample": _samples},
    "generate": {"step": _generate},
}
"""What can be asked, and which role answers it in which way."""


def wire_of(question: str, version: LoadedVersion, execution: Execution, settings: Settings) -> Wire:
    """Return what answers a question about a version.

    Raises :class:`~app.errors.Conflict`, ``role_not_served``, for a question that it has no role for.
    """
    for role, make in QUESTIONS[question].items():
        if role in version.roles:
            return make(version, execution, settings)
    answered = [each for each, roles in QUESTIONS.items() if roles.keys() & version.roles.keys()]
    raise Conflict(
        f"Version {version.number} of model {shortened(version.model)} cannot be asked for {question}; "
        f"it answers {', '.join(answered)}.",
        code="role_not_served",
        extra={"answers": answered, "roles": sorted(version.roles)},
    )
