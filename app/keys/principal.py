"""Who makes a request, as the rest of the service sees it."""

from dataclasses import dataclass

from app.keys.scopes import ADMIN


@dataclass(frozen=True, slots=True)
class Principal:
    """The key behind a request: whose things it may touch (``owner``) and what it may do (``scopes``)."""

    key_id: str
    name: str
    owner: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Tell whether the key opens ``scope``; ``admin`` opens everything."""
        return scope in self.scopes or ADMIN in self.scopes
