"""Keys that open the service."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from keraforge.client.operations import Resource, TransportT, operation
from keraforge.client.records import Key
from keraforge.client.requests import Steps, fetch, listed

# Named here, since within the class ``list`` is a method.
KeyList = list[Key]


class Keys(Resource[TransportT]):
    """Keys: each has a name for people and the scopes of what it may do."""

    @operation
    def create(self, name: str, scopes: Sequence[str], *, expires_at: datetime | None = None) -> Steps[Key]:
        """Create a key; its text is in ``key`` of what is returned, and nowhere else, ever again."""
        body: dict[str, Any] = {"name": name, "scopes": [*scopes]}
        if expires_at is not None:
            body["expires_at"] = expires_at.isoformat()
        return Key.read((yield from fetch("POST", "/keys", json=body)))

    @operation
    def list(self, *, limit: int | None = None) -> Steps[KeyList]:
        """Return all keys, without their texts."""
        return [Key.read(item) for item in (yield from listed("/keys", limit))]

    @operation
    def revoke(self, key: str) -> Steps[None]:
        """Revoke a key by its identifier; what it opened is closed within a second."""
        yield from fetch("DELETE", f"/keys/{quote(key, safe='')}")
