"""Connections: the server's own protocol, with an end to what a client can make it keep and wait for."""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from typing import Any, NamedTuple

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from app.edge.draining import DRAIN_SECONDS
from app.edge.headers import has_body
from app.edge.lane import LANE, Lane
from app.edge.problems import answer
from app.edge.targets import LONGEST_HEAD, TOO_LONG, head_too_long
from app.errors import AppError, BadRequest, RequestTimeout, Unavailable
from app.protocols.quick import head_of

# Read and thrown away of what a client goes on sending after it was refused.
_IGNORED_BYTES = 1024**2
# Where the application leaves its limits in the state of its lifespan.
LIMITS = "limits"
# So often a connection is looked at until it has been waited for long enough.
_LOOKS = 4


class Limits(NamedTuple):
    """How long a client may keep a request unfinished, in seconds, and how many may be connected at once."""

    seconds: float = 30.0
    connections: int = 900


class Connection(HttpToolsProtocol):
    """A connection that ends when a head grows too long, or a request stands still.

    The parser gathers a head without limit, and copies all of a header for each piece of it that arrives: a
    single one of some hundred megabytes, which needs no key, would hold up every other request for minutes.
    A head has the whole time for all of it, a body has it for each piece. The application's :class:`Limits`
    come by the state of its lifespan.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits: Limits = app_state.get(LIMITS, Limits())
        self._watch: TimerHandle | None = None
        # Bytes since a head or a piece of a body was complete, and looks at which it was not.
        self._unfinished = self._waited = 0
        # Those that came last, and all that may belong to a head.
        self._piece = self._since_head = 0
        self._refused = False
        self._lane: Lane | None = app_state.get(LANE)
        # The body, so far, of a request that may be answered without the application.
        self._held: list[bytes] | None = None
        # Whether one was, of those that came in one piece: the next one lets others have their turn.
        self._was_quick = False
        # Whether one will be, at the end of this turn of the event loop.
        self._is_taken = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) <= self._limits.connections:
            self._look_later()
            return
        most = self._limits.connections
        self._say(
            Unavailable(
                f"{most} connections are open, which is the limit. Try again later.",
                code="too_many_connections",
                headers={"Retry-After": "1", "Connection": "close"},
            )
        )
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; what arrived since the last head or piece of a body must not grow too long."""
        self._piece = size = len(data)
        self._since_head += size
        self._unfinished += size
        if self._refused:
            if self._unfinished > _IGNORED_BYTES:
                self.transport.close()
            return
        self._was_quick = False
        # Not by super(), here and below: on the hot path that would cost twice as much.
        HttpToolsProtocol.data_received(self, data)
        if self._unfinished > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse_head(head_too_long())

    def on_message_begin(self) -> None:
        """Begin to read a request; the one before it has its answer first."""
        if self._is_taken and self._lane is not None:
            self._lane.end_turn()
        HttpToolsProtocol.on_message_begin(self)

    def on_headers_complete(self) -> None:
        """Begin a request; one whose head is too long is answered as others are."""
        if self._since_head > LONGEST_HEAD and self._head_bytes() > LONGEST_HEAD:
            self.scope["state"][TOO_LONG] = True
        # Some of the last piece may belong to the next head.
        self._since_head = self._piece
        self._unfinished = self._waited = 0
        if self._lane is not None and self._may_be_quick(self._lane):
            self._held = []
        else:
            if self._was_quick:
                # The answer before it, in the same piece, has begun to wait for the next request.
                self._unset_keepalive_if_required()
            if self.parser.should_upgrade() and has_body({"headers": self.headers}):
                # The parser does not look for that body, and would take it for requests.
                self._refuse_head(_upgrading())
                return
            HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of a body; how much of that there may be is decided behind."""
        self._unfinished = self._waited = 0
        if self._held is not None:
            self._held.append(body)
        else:
            HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        """End a request, which may be answered by that."""
        if self._refused:
            return
        if self._held is not None and self._lane is not None:
            body = b"".join(self._held)
            self._is_taken = True
            if self._lane.take(self.url, self.headers, self.server, body, self._told):
                return
            self._is_taken = False
            self._let_go()
        HttpToolsProtocol.on_message_complete(self)

    def shutdown(self) -> None:
        """End the connection, after the answer to what it has begun to ask."""
        if self._is_taken and self._lane is not None:
            self._lane.end_turn()
        self._let_go()
        super().shutdown()

    def _may_be_quick(self, lane: Lane) -> bool:
        parser = self.parser
        return (
            lane.takes(self.url, self.headers)
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and not self._was_quick
            and not self._is_answering()
            and not self.flow.write_paused
            and TOO_LONG not in self.scope["state"]
        )

    def _told(self, found: tuple[int, bytes] | None) -> None:
        """Answer a request that was taken, or let the application have it after all."""
        self._is_taken = False
        if self.transport.is_closing():
            self._held = None
        elif found is None:
            self._let_go()
            HttpToolsProtocol.on_message_complete(self)
        else:
            status, rest = found
            self._held, self._was_quick = None, True
            start = STATUS_LINE[status] + head_of(self.server_state.default_headers)
            self.transport.write(start + rest)
            self.on_response_complete()

    def _let_go(self) -> None:
        """Let the application have a request that was kept from it."""
        held, self._held = self._held, None
        if held is not None:
            HttpToolsProtocol.on_headers_complete(self)
            HttpToolsProtocol.on_body(self, b"".join(held))

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _look_later(self) -> None:
        # Looking now and then costs requests nothing, which a timer for each of them would.
        self._watch = self.loop.call_later(self._limits.seconds / _LOOKS, self._look)

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        self._waited = self._waited + 1 if self._is_clients_turn() else 0
        # The first look may have come at once.
        if self._waited <= _LOOKS:
            self._look_later()
        elif self._is_answering() or self._unfinished or self._held is not None:
            self._end_waiting()
        else:
            self.transport.close()

    def _is_clients_turn(self) -> bool:
        if self.timeout_keep_alive_task is not None or self.pipeline:
            # Between two requests the server itself ends the connection after a while.
            return False
        if not self._is_answering():
            return True
        cycle = self.cycle
        return cycle.more_body and not self.flow.read_paused and not cycle.waiting_for_100_continue

    def _end_waiting(self) -> None:
        cycle = self.cycle
        if self._is_answering():
            if cycle.response_started:
                self.transport.close()
                return
            # Whoever waits for the body learns that there will be none.
            cycle.disconnected = True
            cycle.message_event.set()
        self._refuse(
            RequestTimeout(
                f"The request stood still for {self._limits.seconds:g} seconds. Send it without pauses.",
                headers={"Connection": "close"},
            )
        )

    def _refuse_head(self, error: AppError) -> None:
        if self._is_taken and self._lane is not None:
            self._lane.end_turn()
            self._unset_keepalive_if_required()
        if self._is_answering():
            # In the midst of an answer nothing else can be said.
            self._refused = True
            self.transport.close()
        else:
            self._refuse(error)

    def _refuse(self, error: AppError) -> None:
        """Say what is wrong and take no more.

        What still arrives is thrown away for a moment: to close at once would reset the connection, and a
        reset may overtake the answer.
        """
        self._refused = True
        self._say(error)
        self.transport.write_eof()
        self._unfinished = 0
        self._watch = self.loop.call_later(DRAIN_SECONDS, self.transport.close)

    def _say(self, error: AppError) -> None:
        status, headers, body = answer(error, "", "")
        lines = [b"%b: %b\r\n" % pair for pair in headers]
        self.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", body]))


def _upgrading() -> BadRequest:
    return BadRequest(
        "This service speaks HTTP/1.1 and nothing else; send a body without the header Upgrade.",
        code="upgrade_refused",
        headers={"Connection": "close"},
    )
