"""What a model version can be asked."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, overload
from urllib.parse import quote

from keraforge.client.answers import (
    Anomalies,
    Codes,
    Invert,
    Predictions,
    Reconstructions,
    Samples,
    Text,
)
from keraforge.client.bodies import Rows, body_of, image_body, nested_lists
from keraforge.client.deltas import Deltas
from keraforge.client.operations import Resource, TransportT, operation
from keraforge.client.requests import Request, Steps, exchange, fetch
from keraforge.client.transports import Awaiting, Blocking

# Named here, since ``version`` and ``alias`` say of every question which version answers it.
Latent = Sequence[float]
_PNG = {"Accept": "image/png"}


class Asking(Resource[TransportT]):
    """Questions to a version: the one of ``version`` or ``alias``, by default of the alias ``champion``.

    Rows are nested lists, a NumPy array ``[rows, *shape]``, dictionaries by column, texts, or the
    :class:`~pathlib.Path` of a file: a picture, a ``.zip`` of pictures, ``.npy``, ``.csv``, ``.txt`` or
    ``.json``.
    """

    @operation
    def predict(
        self,
        name: str,
        instances: Rows,
        *,
        version: int | None = None,
        alias: str | None = None,
        invert: Invert | None = None,
        top_k: int | None = None,
        attention: bool = False,
    ) -> Steps[Predictions]:
        """Return the prediction for each row.

        Args:
            name: Name of the model.
            instances: Rows, or the path of a file.
            version: Number of the version that shall answer.
            alias: Alias of the version that shall answer.
            invert: Whether light and dark of a picture are exchanged; the service's ``auto`` finds out.
            top_k: Ask for so many classes or tokens only, the most probable first.
            attention: Ask for the weights of attention too.
        """
        query = {"invert": invert, "top_k": top_k, "attention": "true" if attention else None}
        path = _path(name, "predict", version, alias)
        return Predictions.read((yield from fetch("POST", path, query=query, **body_of(instances))))

    @operation
    def predict_image(
        self,
        name: str,
        image: str | Path | bytes,
        *,
        version: int | None = None,
        alias: str | None = None,
        invert: Invert | None = None,
    ) -> Steps[Predictions]:
        """Return the prediction for one PNG or JPEG of any size, given as a path or as bytes."""
        path = _path(name, "predict", version, alias)
        return Predictions.read(
            (yield from fetch("POST", path, query={"invert": invert}, **image_body(image)))
        )

    @operation
    def encode(
        self, name: str, instances: Rows, *, version: int | None = None, alias: str | None = None
    ) -> Steps[Codes]:
        """Return the code of each row, of an autoencoder."""
        path = _path(name, "encode", version, alias)
        return Codes.read((yield from fetch("POST", path, **body_of(instances))))

    @operation
    def decode(
        self, name: str, codes: Rows, *, version: int | None = None, alias: str | None = None
    ) -> Steps[Reconstructions]:
        """Return the row of each code."""
        path = _path(name, "decode", version, alias)
        return Reconstructions.read((yield from fetch("POST", path, **body_of(codes, "codes"))))

    @operation
    def decode_image(
        self, name: str, codes: Rows, *, version: int | None = None, alias: str | None = None
    ) -> Steps[bytes]:
        """Return a PNG of the rows of all codes, in a grid."""
        return (yield from _picture(_path(name, "decode", version, alias), body_of(codes, "codes")))

    @operation
    def reconstruct(
        self, name: str, instances: Rows, *, version: int | None = None, alias: str | None = None
    ) -> Steps[Reconstructions]:
        """Return each row as an autoencoder sees it, and how far that is from the row."""
        path = _path(name, "reconstruct", version, alias)
        return Reconstructions.read((yield from fetch("POST", path, **body_of(instances))))

    @operation
    def reconstruct_image(
        self, name: str, instances: Rows, *, version: int | None = None, alias: str | None = None
    ) -> Steps[bytes]:
        """Return a PNG of all reconstructions, in a grid."""
        path = _path(name, "reconstruct", version, alias)
        return (yield from _picture(path, body_of(instances)))

    @operation
    def anomalies(
        self, name: str, instances: Rows, *, version: int | None = None, alias: str | None = None
    ) -> Steps[Anomalies]:
        """Return which rows are further from their reconstruction than the version's threshold."""
        path = _path(name, "anomalies", version, alias)
        return Anomalies.read((yield from fetch("POST", path, **body_of(instances))))

    @operation
    def sample(
        self,
        name: str,
        count: int | None = None,
        *,
        seed: int | None = None,
        label: str | Sequence[str] | None = None,
        latent: Sequence[Latent] | None = None,
        interpolate: tuple[Latent, Latent] | None = None,
        version: int | None = None,
        alias: str | None = None,
    ) -> Steps[Samples]:
        """Return ``count`` new rows, of an adversarial network or a variational autoencoder.

        Args:
            name: Name of the model.
            count: How many; by default one, eight between two latents, or one for each of ``latent``.
            seed: The same seed makes the same samples.
            label: The class of all samples or of each, for a model that was trained on labels.
            latent: What to make samples of, instead of chance.
            interpolate: Two latents; the samples lead from one to the other.
            version: Number of the version that shall answer.
            alias: Alias of the version that shall answer.
        """
        asked = _asked(count=count, seed=seed, label=label, latent=latent, interpolate=interpolate)
        return Samples.read((yield from fetch("POST", _path(name, "samples", version, alias), json=asked)))

    @operation
    def sample_image(
        self,
        name: str,
        count: int | None = None,
        *,
        seed: int | None = None,
        label: str | Sequence[str] | None = None,
        latent: Sequence[Latent] | None = None,
        interpolate: tuple[Latent, Latent] | None = None,
        version: int | None = None,
        alias: str | None = None,
    ) -> Steps[bytes]:
        """Return a PNG of all samples, in a grid; the arguments are those of ``sample``."""
        asked = _asked(count=count, seed=seed, label=label, latent=latent, interpolate=interpolate)
        return (yield from _picture(_path(name, "samples", version, alias), {"json": asked}))

    @operation
    def generate(
        self,
        name: str,
        prompt: str,
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        stop: str | Sequence[str] | None = None,
        version: int | None = None,
        alias: str | None = None,
    ) -> Steps[Text]:
        """Return a text that continues ``prompt``.

        Args:
            name: Name of the model.
            prompt: At least one character or word.
            max_tokens: How many tokens at most; 200 if nothing says.
            temperature: 0 takes the likeliest token each time; the more, the more is left to chance.
            top_k: Draw from so many of the likeliest tokens only.
            top_p: Draw from the fewest likeliest tokens that make up this probability.
            seed: The same seed writes the same text.
            stop: Texts that end the answer.
            version: Number of the version that shall answer.
            alias: Alias of the version that shall answer.
        """
        asked = _asked(
            prompt=prompt, max_tokens=max_tokens, temperature=temperature, top_k=top_k, top_p=top_p,
            seed=seed, stop=stop,
        )  # fmt: skip
        return Text.read((yield from fetch("POST", _path(name, "generate", version, alias), json=asked)))

    @overload
    def stream_text(self: "Asking[Blocking]", name: str, prompt: str, **options: Any) -> Iterator[str]: ...
    @overload
    def stream_text(
        self: "Asking[Awaiting]", name: str, prompt: str, **options: Any
    ) -> AsyncIterator[str]: ...
    def stream_text(self, name: str, prompt: str, **options: Any) -> Iterator[str] | AsyncIterator[str]:
        """Yield a text that continues ``prompt``, piece by piece; the options are those of ``generate``.

        Whoever stops reading ends the text.
        """
        path = _path(name, "generate", options.pop("version", None), options.pop("alias", None))
        asked = _asked(prompt=prompt, stream=True, **options)
        return self._transport.stream(Request("POST", path, json=asked), Deltas())


def _picture(path: str, carried: dict[str, Any]) -> Steps[bytes]:
    headers = carried.pop("headers", {}) | _PNG
    response = yield from exchange(Request("POST", path, headers=headers, **carried))
    return response.content


def _asked(**members: Any) -> dict[str, Any]:
    return {name: nested_lists(value) for name, value in members.items() if value is not None}


def _path(name: str, question: str, version: int | None, alias: str | None) -> str:
    if version is not None and alias is not None:
        raise ValueError("give a version or an alias, not both")
    model = f"/models/{quote(name, safe='')}"
    if version is not None:
        return f"{model}/versions/{version}/{question}"
    if alias is not None:
        return f"{model}/aliases/{quote(alias, safe='')}/{question}"
    return f"{model}/{question}"
