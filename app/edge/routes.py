"""The table of all routes: what each needs, and which of them a request can mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from re import Pattern
from typing import Any

from starlette.convertors import Convertor
from starlette.routing import compile_path

from app.keys.scopes import PUBLIC

# Longer paths are matched anew each time, so that the cache cannot be filled with them.
_CACHED_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path template, and the scope that opens it."""

    name: str
    method: str
    scope: str
    pattern: Pattern[str]
    convertors: Mapping[str, Convertor[Any]]


@dataclass(frozen=True, slots=True)
class Matched:
    """What a request can mean: the most specific route first, and the methods that its path takes.

    ``scopes`` are what all these routes need of a key, sorted.
    """

    routes: tuple[Route, ...]
    scopes: tuple[str, ...]
    parameters: Mapping[str, Any]
    methods: tuple[str, ...]

    @property
    def name(self) -> str:
        """Method and template of the route, or an empty string if there is none."""
        return self.routes[0].name if self.routes else ""


class RouteTable:
    """All routes with their scopes.

    Args:
        scopes: What every route needs, by ``METHOD /template``.
        served: The routes that there are, in the same form.

    Raises:
        ValueError: a route is served without an entry, or an entry names no route.
    """

    def __init__(self, scopes: Mapping[str, str], served: Iterable[str]) -> None:
        served = set(served)
        closed, unknown = sorted(served - scopes.keys()), sorted(scopes.keys() - served)
        if closed or unknown:
            raise ValueError(
                "app.keys.scopes must name every route; "
                f"routes without an entry: {closed}; entries without a route: {unknown}"
            )
        self.routes = sorted((_route(name, scopes[name]) for name in served), key=_by_specificity)
        self._cached = lru_cache(4096)(self._match)

    def match(self, method: str, path: str) -> Matched:
        """Return what a request with this method and decoded path can mean."""
        return self._cached(method, path) if len(path) <= _CACHED_LENGTH else self._match(method, path)

    def _match(self, method: str, path: str) -> Matched:
        matching = [(route, found) for route in self.routes if (found := route.pattern.match(path))]
        meant = [(route, found) for route, found in matching if route.method == method]
        parameters: dict[str, Any] = {}
        if meant:
            route, found = meant[0]
            parameters = {key: route.convertors[key].convert(text) for key, text in found.groupdict().items()}
        methods = {route.method for route, _ in matching}
        return Matched(
            routes=tuple(route for route, _ in meant),
            scopes=tuple(sorted({route.scope for route, _ in meant} - {PUBLIC})),
            parameters=parameters,
            methods=tuple(sorted(methods | ({"HEAD"} if "GET" in methods else set()))),
        )


def _route(name: str, scope: str) -> Route:
    method, _, template = name.partition(" ")
    pattern, _, convertors = compile_path(template)
    return Route(name, method, scope, pattern, convertors)


def _by_specificity(route: Route) -> tuple[int, str]:
    return len(route.convertors), route.name
