"""Models: what was published, which alias points where, and what they answer."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from keraforge.client.operations import Resource, TransportT, operation
from keraforge.client.records import Invert, Model, ModelVersion, Predictions
from keraforge.client.requests import Steps, fetch, listed
from keraforge.errors import Unsupported

# Named here, since within the class ``list`` is a method.
ModelList = list[Model]
VersionList = list[ModelVersion]

_IMAGE_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}


class Models(Resource[TransportT]):
    """Named models, their versions and aliases, and prediction."""

    @operation
    def list(self, *, limit: int | None = 50) -> Steps[ModelList]:
        """Return models by name, at most ``limit`` of them; None means all."""
        return [Model.read(item) for item in (yield from listed("/models", limit))]

    @operation
    def get(self, name: str) -> Steps[Model]:
        """Return one model: its latest version and where its aliases point."""
        return Model.read((yield from fetch("GET", _path(name))))

    @operation
    def versions(self, name: str, *, limit: int | None = 50) -> Steps[VersionList]:
        """Return a model's versions, the newest first, without their reports."""
        return [ModelVersion.read(item) for item in (yield from listed(f"{_path(name)}/versions", limit))]

    @operation
    def version(self, name: str, number: int) -> Steps[ModelVersion]:
        """Return one version in full, with its report and its files."""
        return ModelVersion.read((yield from fetch("GET", f"{_path(name)}/versions/{number}")))

    @operation
    def set_alias(self, name: str, alias: str, version: int, *, force: bool = False) -> Steps[dict[str, Any]]:
        """Point an alias at a version; refused where callers would have to change, unless ``force``."""
        path = f"{_path(name)}/aliases/{quote(alias, safe='')}"
        answer: dict[str, Any] = yield from fetch("PUT", path, json={"version": version, "force": force})
        return answer

    @operation
    def delete_alias(self, name: str, alias: str) -> Steps[None]:
        """Remove an alias; the version that it pointed to stays."""
        yield from fetch("DELETE", f"{_path(name)}/aliases/{quote(alias, safe='')}")

    @operation
    def predict(
        self,
        name: str,
        instances: Iterable[Any],
        *,
        version: int | None = None,
        alias: str | None = None,
    ) -> Steps[Predictions]:
        """Return the answers for rows: nested lists, or a NumPy array of shape ``[rows, *shape]``.

        Without ``version`` or ``alias`` the alias ``champion`` answers.
        """
        rows = _nested_lists(instances)
        path = _predict_path(name, version, alias)
        return Predictions.read((yield from fetch("POST", path, json={"instances": rows})))

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
        """Return the answer for one PNG or JPEG, given as a path or as bytes, of any size.

        ``invert`` says whether light and dark are exchanged; the service's default, ``auto``, finds out.
        """
        body = image if isinstance(image, bytes) else Path(image).read_bytes()
        answer = yield from fetch(
            "POST",
            _predict_path(name, version, alias),
            query={"invert": invert},
            content=body,
            headers={"Content-Type": _image_type(body)},
        )
        return Predictions.read(answer)


def _path(name: str) -> str:
    return f"/models/{quote(name, safe='')}"


def _predict_path(name: str, version: int | None, alias: str | None) -> str:
    if version is not None and alias is not None:
        raise ValueError("give a version or an alias, not both")
    if version is not None:
        return f"{_path(name)}/versions/{version}/predict"
    if alias is not None:
        return f"{_path(name)}/aliases/{quote(alias, safe='')}/predict"
    return f"{_path(name)}/predict"


def _image_type(body: bytes) -> str:
    for magic, media_type in _IMAGE_TYPES.items():
        if body.startswith(magic):
            return media_type
    raise Unsupported(
        f"Expected a PNG or JPEG picture, got a file that begins with {body[:8]!r}.",
        code="unsupported_media_type",
    )


def _nested_lists(instances: Iterable[Any]) -> Any:
    """Return what JSON can carry: arrays, and arrays in lists, become lists."""
    if hasattr(instances, "tolist"):
        return instances.tolist()
    if isinstance(instances, list | tuple):
        return [_nested_lists(each) for each in instances]
    return instances
