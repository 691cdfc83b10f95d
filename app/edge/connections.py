"""Connections: the server's own protocol, with an end to what a client can make it keep before a request."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Twice what the longest address and a generous set of headers take.
LONGEST_HEAD = 64 * 1024


class Connection(HttpToolsProtocol):
    """A connection that is closed when a head, or what follows a chunked body, goes on for too long.

    The parser gathers them without limit, and copies all of a header for each piece of it that arrives: a
    single one of some hundred megabytes, which needs no key, would hold up every other request for minutes.
    """

    _unfinished = 0

    def data_received(self, data: bytes) -> None:
        """Parse what came; what arrived since the last head or piece of a body must not grow too long."""
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse()

    def on_headers_complete(self) -> None:
        """Begin a request."""
        self._unfinished = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of a body; how much of that there may be is decided behind."""
        self._unfinished = 0
        super().on_body(body)

    def _refuse(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.send_400_response("The head of the request is too long.")
        else:
            # Another answer is on its way, in the midst of which nothing can be said.
            self.transport.close()
