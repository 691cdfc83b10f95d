"""Samples: what a version makes up, as JSON, as .npy, or as a grid of pictures."""

import secrets
from functools import partial
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field
from starlette.types import Receive, Scope, Send

from app.errors import shortened
from app.protocols.arrays import ArrayWriter
from app.protocols.body import left, read_body
from app.protocols.inputs import Tensors, require_json
from app.protocols.instances import invalid
from app.protocols.json_exact import LARGEST
from app.protocols.parameters import LARGEST_SEED, Parameters, Seed, one_or_more, parameters_of
from app.protocols.replies import Header, reply
from app.serving.execution import Execution
from app.serving.latents import between, drawn
from app.serving.loaded import LoadedVersion
from app.serving.role import LoadedRole

MOST = 256
# How many samples show the way between two latents if nobody says.
STEPS = 8


def _written(value: Any) -> Any:
    return str(value) if type(value) is int else value


Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
# A number is the name that is written so.
Label = Annotated[
    str, Field(max_length=1000), BeforeValidator(_written, json_schema_input_type=str | int)
]  # fmt: skip
Labels = Annotated[
    list[Label], Field(min_length=1, max_length=MOST), one_or_more(str | int | list[str | int])
]  # fmt: skip


class SampleParameters(Parameters):
    """What to make; an empty object asks for one sample of whatever comes."""

    count: int | None = Field(None, ge=1, le=MOST, description="How many samples; 1 if nothing says.")
    seed: Seed | None = None
    latent: list[list[Number]] | None = Field(
        None, min_length=1, max_length=MOST, description="What to make samples of, instead of chance."
    )
    interpolate: list[list[Number]] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description=f"Two latents; `count` samples, by default {STEPS}, lead from one to the other.",
    )
    label: Labels | None = Field(
        None,
        description="The class of all samples, or of each one, for a version that was trained on labels.",
    )


class Samples:
    """Answers requests for samples; made once for a version, it must not hold that itself."""

    def __init__(self, version: LoadedVersion, role: LoadedRole, execution: Execution) -> None:
        self._role = role
        self._execution = execution
        self._labels = version.signature.labels
        latent, *conditions = role.inputs
        self._size = latent.shape[0]
        self._latent = latent.name
        self._label = conditions[0].name if conditions else None
        self._writer = ArrayWriter(version, role.outputs[0], "samples")

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        writing = self._writer.choose(scope)
        body = await read_body(receive)
        require_json(scope)
        asked = await parameters_of(body, SampleParameters, self._execution)
        seed = secrets.randbelow(LARGEST_SEED + 1) if asked.seed is None else asked.seed
        inputs = self._inputs(asked, seed)
        beside = {"seed": seed, "latent": inputs[self._latent]} | self._named(inputs)
        is_json = writing.write == self._writer.json

        def write(outputs: Tensors) -> bytes:
            return self._writer.json(outputs, beside) if is_json else writing.write(outputs)

        written = await self._execution.ask(
            self._role, inputs, writing.names, write, left=partial(left, receive), away=writing.slow
        )
        told: list[Header] = [*writing.headers, (b"x-keraforge-seed", b"%d" % seed)]
        await reply(send, told, written)

    def _inputs(self, asked: SampleParameters, seed: int) -> Tensors:
        latents = self._latents(asked, seed)
        if len(latents) > self._role.max_rows:
            message = f"Expected at most {self._role.max_rows} samples of this size, got {len(latents)}."
            raise invalid("/count", "too_many_rows", message)
        if self._label is None:
            if asked.label is not None:
                raise invalid("/label", "not_served", "This version makes samples without regard to labels.")
            return {self._latent: latents}
        return {self._latent: latents, self._label: self._classes(asked.label, len(latents), seed)}

    def _latents(self, asked: SampleParameters, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        if asked.latent is not None and asked.interpolate is not None:
            raise invalid("/interpolate", "one_of", "Expected latent or interpolate, got both.")
        if asked.interpolate is not None:
            self._check(asked.interpolate, "/interpolate")
            first, last = np.array(asked.interpolate)
            return between(first, last, asked.count or STEPS)
        if asked.latent is None:
            return drawn(asked.count or 1, self._size, seed)
        if asked.count not in (None, len(asked.latent)):
            message = f"Expected as many as there are latents, {len(asked.latent)}, got {asked.count}."
            raise invalid("/count", "wrong_length", message)
        self._check(asked.latent, "/latent")
        return np.array(asked.latent, np.float32)

    def _check(self, latents: list[list[float]], place: str) -> None:
        for number, latent in enumerate(latents):
            if len(latent) != self._size:
                message = f"Expected {self._size} numbers, got {len(latent)}."
                raise invalid(f"{place}/{number}", "wrong_length", message)

    def _classes(
        self, labels: list[str] | None, count: int, seed: int
    ) -> np.ndarray[Any, np.dtype[np.int32]]:
        if labels is None:
            return np.random.default_rng(seed).integers(0, len(self._labels), count, np.int32)
        if len(labels) not in (1, count):
            message = f"Expected one label, or one for each of {count} samples, got {len(labels)}."
            raise invalid("/label", "wrong_length", message)
        places = [f"/label/{number}" for number in range(count)] if len(labels) > 1 else ["/label"]
        classes = np.array(list(map(self._class, labels, places)), np.int32)
        return np.broadcast_to(classes, count).copy()

    def _class(self, label: str, place: str) -> int:
        if label not in self._labels:
            known = ", ".join(self._labels[:10]) + (", …" if len(self._labels) > 10 else "")
            message = f"Expected one of {known}, got {shortened(label)}."
            raise invalid(place, "unknown_label", message)
        return self._labels.index(label)

    def _named(self, inputs: Tensors) -> dict[str, Any]:
        if self._label is None:
            return {}
        return {"label": [self._labels[each] for each in inputs[self._label].tolist()]}
