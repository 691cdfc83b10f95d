"""The quick way: a request without anything unusual is answered as it arrives, past the application.

It is made ready at once, and runs at the end of this turn of the event loop, with others that came in it.

What stands here says yes, or that too many ask. What it does not know, and whatever else would be refused,
take long or be logged, is left to the application, which then gets the request as if nobody had looked at it.
So every rule is the application's, and every answer from here is the one that it would have given.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter

from app.edge.hosts import Hosts, Server
from app.edge.problems import answer
from app.edge.requests import SECURITY_HEADERS, logs_all, request_id
from app.errors import TooMany
from app.keys.gate import Gate
from app.metrics import Metrics
from app.protocols.body import INLINE_BODY_BYTES
from app.protocols.quick import Answer, Asking, Quick, head_of
from app.protocols.replies import Header, lineage_headers
from app.serving.turns import Turns
from app.settings import Settings

Tell = Callable[[tuple[int, bytes] | None], None]
"""Is told a status, and what goes over the wire behind it and what the server itself has to say; or None,
which leaves the request to the application."""

# Where the application leaves its lane in the state of its lifespan.
LANE = "lane"
_METHOD = "POST"
# How the addresses end that can be answered so.
_ENDINGS = (b"/predict", b":predict", b"/infer")
# All that is known here: a request with any other header is unusual, and so is one with one of them twice.
_KNOWN = frozenset(
    {
        *(b"host", b"authorization", b"content-type", b"content-length", b"x-request-id", b"connection"),
        *(b"accept", b"accept-encoding", b"user-agent", b"inference-header-content-length"),
    }
)
_SECURITY = head_of(list(SECURITY_HEADERS.items()))


class Lane:
    """Answers what is quick and certain, with the very parts that the application's own edge has."""

    def __init__(
        self, hosts: Hosts, gate: Gate, metrics: Metrics, dialects: Mapping[str, Quick], settings: Settings
    ) -> None:
        self._hosts = hosts
        self._gate = gate
        self._metrics = metrics
        self._dialects = dialects
        self._most_bytes = min(INLINE_BODY_BYTES, settings.predict_body_bytes)
        self._turns: Turns[Answer] = Turns()

    def takes(self, url: bytes, headers: Sequence[Header]) -> bool:
        """Tell whether a ``POST`` may be answered so: then all its body, which is short, is waited for."""
        if not url.endswith(_ENDINGS):
            return False
        lengths = [value for name, value in headers if name == b"content-length"]
        # The parser has seen to it that it is a number.
        return len(lengths) == 1 and int(lengths[0]) <= self._most_bytes

    def take(self, url: bytes, pairs: Sequence[Header], server: Server, body: bytes, tell: Tell) -> bool:
        """Return whether a request is answered so; ``tell`` is told, at the end of this turn or before."""
        began = perf_counter()
        headers = dict(pairs)
        if len(headers) < len(pairs) or not headers.keys() <= _KNOWN or logs_all():
            return False
        try:
            asking = self._admitted(url.decode("ascii"), headers, server, body)
            return asking is not None and self._begin(asking, partial(self._end, asking, tell, began))
        except Exception:
            # It happens once more in the application, which knows what to say.
            return False

    def end_turn(self) -> None:
        """Answer all that were taken."""
        self._turns.end()

    def _admitted(
        self, path: str, headers: Mapping[bytes, bytes], server: Server, body: bytes
    ) -> Asking | None:
        if not self._hosts.has(headers.get(b"host"), server):
            return None
        admitted = self._gate.known(_METHOD, path, headers[b"authorization"])
        if admitted is None:
            return None
        matched, principal = admitted
        sent = request_id(headers.get(b"x-request-id"))
        return Asking(matched, path, principal.owner, headers, body, matched.name, sent)

    def _begin(self, asking: Asking, end: Callable[..., None]) -> bool:
        dialect = self._dialects.get(asking.matched.name)
        if dialect is None:
            return False
        try:
            ready = dialect.prepare(asking)
        except TooMany as error:
            status, headers, body = answer(error, asking.path, asking.id)
            if asking.version is not None:
                headers += lineage_headers(asking.version)
            end(Answer(head_of([each for each in headers if each[0] != b"content-length"]), body), status)
            return True
        if ready is not None:
            self._turns.add(ready, end)
        return ready is not None

    def _end(self, asking: Asking, tell: Tell, began: float, found: Answer | None, status: int = 200) -> None:
        if found is None:
            tell(None)
            return
        told = b"content-length: %d\r\nx-request-id: %b\r\n\r\n" % (len(found.body), asking.id.encode())
        self._metrics.count_request(asking.route, _METHOD, status, perf_counter() - began)
        tell((status, b"".join((_SECURITY, found.head, told, found.body))))
