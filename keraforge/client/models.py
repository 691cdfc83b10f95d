"""Models: what was published, which alias points where, and what they answer."""

from typing import Any
from urllib.parse import quote

from keraforge.client.asking import Asking
from keraforge.client.evaluating import Evaluating
from keraforge.client.operations import TransportT, operation
from keraforge.client.records import Model, ModelVersion
from keraforge.client.requests import Steps, fetch, listed

# Named here, since within the class ``list`` is a method.
ModelList = list[Model]
VersionList = list[ModelVersion]


class Models(Asking[TransportT], Evaluating[TransportT]):
    """Named models, their versions and aliases, what versions can be asked, and what they are worth."""

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
    def set_alias(
        self, name: str, alias: str, version: int, *, force: bool = False, not_worse_on: str | None = None
    ) -> Steps[dict[str, Any]]:
        """Point an alias at a version; refused where callers would have to change, unless ``force``.

        With ``not_worse_on``, a dataset, it is refused too where the version's report on the test rows is
        worse than that of the version that the alias points at now.
        """
        asked: dict[str, Any] = {"version": version, "force": force}
        asked |= {"not_worse_on": not_worse_on} if not_worse_on is not None else {}
        answer: dict[str, Any] = yield from fetch("PUT", _alias(name, alias), json=asked)
        return answer

    @operation
    def roll_back_alias(self, name: str, alias: str, *, force: bool = False) -> Steps[dict[str, Any]]:
        """Point an alias where it pointed before its last move; once more goes further back."""
        answer: dict[str, Any] = yield from fetch(
            "POST", f"{_alias(name, alias)}/rollback", json={"force": force}
        )
        return answer

    @operation
    def delete_alias(self, name: str, alias: str) -> Steps[None]:
        """Remove an alias; the version that it pointed to stays."""
        yield from fetch("DELETE", _alias(name, alias))


def _path(name: str) -> str:
    return f"/models/{quote(name, safe='')}"


def _alias(name: str, alias: str) -> str:
    return f"{_path(name)}/aliases/{quote(alias, safe='')}"
