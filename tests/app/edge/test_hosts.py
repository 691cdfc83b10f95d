import httpx
import pytest
from starlette.types import Receive, Scope, Send

from app.edge.hosts import Hosts, host_name
from app.errors import BadRequest, WrongHost
from app.settings import Settings

pytestmark = pytest.mark.anyio


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


async def ask(sent_host: str | None, *, server: str = "10.0.0.5", **settings: object) -> None:
    hosts = Hosts(_answer, Settings(_env_file=None, **settings))
    headers = [] if sent_host is None else [(b"host", sent_host.encode())]
    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    await hosts({"type": "http", "headers": headers, "server": (server, 8000)}, httpx, send)
    assert sent


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8000"]
)
async def test_loopback_names_are_ours(host: str) -> None:
    await ask(host)


async def test_the_host_that_it_listens_on_and_the_named_ones_are_ours() -> None:
    await ask("forge.lan", host="forge.lan")
    await ask("forge.example:443", allowed_hosts=["Forge.Example"])


async def test_the_address_that_a_connection_came_in_at_is_ours() -> None:
    await ask("10.0.0.5:8000", host="0.0.0.0")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "10.0.0.6",
        "localhost@evil.example",
        "localhost/evil",
        "localhost:8000:8000",
        "localhost:http",
        "[::2]",
        ".",
        "",
        None,
    ],
)
async def test_any_other_host_is_refused(host: str | None) -> None:
    with pytest.raises(WrongHost, match="KERAFORGE_ALLOWED_HOSTS"):
        await ask(host)


async def test_two_hosts_are_one_too_many() -> None:
    hosts = Hosts(_answer, Settings(_env_file=None))
    headers = [(b"host", b"localhost"), (b"host", b"localhost")]
    with pytest.raises(BadRequest, match="more than once"):
        await hosts({"type": "http", "headers": headers, "server": None}, httpx, httpx)


@pytest.mark.parametrize(
    ("header", "name"),
    [(b"a:80", "a"), (b"A", "a"), (b"[::1]:80", "::1"), (b":80", ":80"), (b"a:", "a:"), (b"\xff", "ÿ")],
)
def test_the_name_is_what_stands_before_the_port(header: bytes, name: str) -> None:
    assert host_name(header) == name
