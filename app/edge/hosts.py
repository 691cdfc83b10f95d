"""The hosts that this service answers for.

A web page can point its own name at this machine (DNS rebinding); its requests then carry that name.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.edge.headers import header
from app.errors import WrongHost, shortened
from app.settings import LOOPBACK_HOSTS, Settings

Server = tuple[str, int | None] | None


class Hosts:
    """Middleware that refuses requests for other hosts with 421."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._allowed = {name.lower() for name in (*LOOPBACK_HOSTS, settings.host, *settings.allowed_hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its host is one of ours."""
        if scope["type"] == "http":
            host = header(scope, b"host")
            if not self.has(host, scope.get("server")):
                raise WrongHost(
                    f"This service does not answer for the host {shortened(host_name(host))}. "
                    "Use its own address, or name the host in KERAFORGE_ALLOWED_HOSTS."
                )
        await self.app(scope, receive, send)

    def has(self, value: bytes | None, server: Server) -> bool:
        """Tell whether what a ``Host`` header says is ours; ``server`` is where the connection came in."""
        host = host_name(value)
        # That address is ours whatever the settings say; it is no name.
        return host in self._allowed or (server is not None and host == server[0])


def host_name(value: bytes | None) -> str:
    """Return the name in a ``Host`` header: lower case, without port and brackets; empty if it is absent."""
    host = (value or b"").decode("latin-1").strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() else host
