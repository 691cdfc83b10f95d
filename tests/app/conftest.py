"""A registry to serve from, and the whole web process: on a real socket, or without one."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from dense import LABELS, SHAPE, Graph
from starlette.types import ASGIApp

from app.database import Database
from app.identifiers import new_id
from app.keys import service as keys
from app.main import create_app
from app.settings import Settings
from app.storage import Store
from app.tables import Alias, Job, ModelVersion, RegisteredModel

# As keraforge.up serves it.
HTTP = "app.edge.connections:Connection"
OWNER = "local"


class Registry:
    """Publishes versions as a finished training job does, without training."""

    def __init__(self, database: Database, store: Store) -> None:
        self.database = database
        self.store = store
        self.graphs: dict[str, Graph] = {}

    def keep(self, content: bytes) -> dict[str, object]:
        path = self.store.staging / new_id("file")
        path.write_bytes(content)
        stored = self.store.adopt(path)
        return {"sha256": stored.sha256, "bytes": stored.bytes, "media_type": "application/octet-stream"}

    def signature(self, **changes: object) -> dict[str, object]:
        tensors = {
            "image": {"name": "image", "dtype": "float32", "shape": SHAPE},
            "probabilities": {"name": "probabilities", "dtype": "float32", "shape": (len(LABELS),)},
        }
        role = {"graph": "predict.onnx", "inputs": [tensors["image"]], "outputs": [tensors["probabilities"]]}
        image = {"low": 0, "high": 16, "background": 0}
        return {"roles": {"predict": role}, "labels": LABELS, "image": image, **changes}

    def publish(
        self,
        name: str = "digits",
        *,
        seed: int = 0,
        owner: str = OWNER,
        alias: str | None = "champion",
        files: dict[str, bytes] | None = None,
        signature: dict[str, object] | None = None,
    ) -> ModelVersion:
        graph = Graph.random(seed)
        contents = {"predict.onnx": graph.onnx(), "golden.npz": graph.golden(), **(files or {})}
        kept = {path: self.keep(content) for path, content in contents.items() if content}
        with self.database.write() as session:
            model = session.query(RegisteredModel).filter_by(name=name, owner=owner).one_or_none()
            if model is None:
                model = RegisteredModel(id=new_id("model"), owner=owner, name=name)
                session.add(model)
            job = Job(
                id=new_id("job"), owner=owner, kind="training", slot="training", state="succeeded", request={}
            )
            session.add(job)
            session.flush()
            version = ModelVersion(
                id=new_id("version"),
                owner=owner,
                model=model,
                number=1 + session.query(ModelVersion).filter_by(model_id=model.id).count(),
                job_id=job.id,
                family="cnn",
                parameters=1,
                spec={},
                signature=signature or self.signature(),
                metrics={},
                parity={},
                files=kept,
            )
            session.add(version)
            session.flush()
            # Known before it is published: who serves it may be faster than this.
            self.graphs[version.id] = graph
            if alias is not None:
                session.merge(Alias(model_id=model.id, name=alias, version_id=version.id))
        return version

    def expected(self, seed: int, rows: np.ndarray) -> np.ndarray:
        """Return what a version published with ``seed`` must answer."""
        return Graph.random(seed).answer(rows)

    def point(self, alias: str, version: ModelVersion) -> None:
        with self.database.write() as session:
            session.merge(Alias(model_id=version.model_id, name=alias, version_id=version.id))

    def damage(self, version: ModelVersion, path: str) -> Path:
        """Change one byte of a stored file."""
        stored = self.store.path(version.files[path]["sha256"])
        stored.chmod(0o600)
        content = bytearray(stored.read_bytes())
        content[-1] ^= 1
        stored.write_bytes(content)
        return stored


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store(settings: Settings) -> Store:
    store = Store(settings.data_dir)
    store.prepare()
    return store


@pytest.fixture
def registry(sqlite_url: str, store: Store) -> Iterator[Registry]:
    database = Database(sqlite_url)
    yield Registry(database, store)
    database.close()


@pytest.fixture
def any_registry(database: Database, store: Store) -> Registry:
    """Like ``registry``, once on each kind of database."""
    return Registry(database, store)


class Listening:
    """An ASGI application behind uvicorn on a free port, in a thread."""

    def __init__(self, app: ASGIApp, http: str = HTTP, *, keep_alive: int = 5) -> None:
        config = uvicorn.Config(
            app,
            port=0,
            http=http,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=keep_alive,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.005)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are; return all that comes back until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))


class Service(Listening):
    """The whole web process and the database that it works on."""

    def __init__(self, settings: Settings, database: Database) -> None:
        Store(settings.data_dir).prepare()
        self.settings = settings
        self.database = database
        super().__init__(create_app(settings, database=database))

    def key(self, *scopes: str, name: str = "test", expires_at: datetime | None = None) -> str:
        """Make a key and return its text."""
        with self.database.write() as session:
            return keys.create(session, name, scopes, expires_at)[1]

    def client(self, *scopes: str, key: str | None = None) -> httpx.Client:
        """Return a client with a key: the given one, or a new one with these scopes; none without either."""
        text = key or (self.key(*scopes) if scopes else None)
        headers = {"Authorization": f"Bearer {text}"} if text else {}
        # Without TLS there is nothing to verify, and loading the certificates is slow.
        return httpx.Client(base_url=self.url, headers=headers, verify=False)


@pytest.fixture(scope="module")
def listening() -> Iterator[Callable[..., Listening]]:
    """Serve any application until the last test of the module."""
    with ExitStack() as stack:
        yield lambda app, **options: stack.enter_context(closing(Listening(app, **options)))


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., Service]]:
    """Start the whole web process on a database, with settings that differ as told."""
    with ExitStack() as stack:
        yield lambda database, **changes: stack.enter_context(
            closing(Service(settings.model_copy(update=changes), database))
        )


@pytest.fixture
def service(sqlite_url: str, settings: Settings) -> Iterator[Service]:
    """The whole web process on SQLite."""
    with closing(Database(sqlite_url)) as database, closing(Service(settings, database)) as service:
        yield service


@pytest.fixture(scope="module")
def module_service(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole web process on SQLite, once for all tests of a module, which leave it as it is."""
    settings = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("service"))
    shutil.copy(_sqlite_template, settings.data_dir / "keraforge.db")
    with (
        closing(Database(settings.resolved_database_url)) as database,
        closing(Service(settings, database)) as service,
    ):
        yield service


@pytest.fixture(scope="module")
def module_registry(module_service: Service) -> Registry:
    """A registry to publish to, once for all tests of a module."""
    return Registry(module_service.database, Store(module_service.settings.data_dir))


def in_process(app: ASGIApp, portal: BlockingPortal) -> httpx.BaseTransport:
    """Hand blocking requests straight to an application, which runs on another thread's loop."""
    transport = httpx.ASGITransport(app)

    async def answer(request: httpx.Request) -> httpx.Response:
        found = await transport.handle_async_request(request)
        return httpx.Response(found.status_code, headers=found.headers, content=await found.aread())

    return httpx.MockTransport(lambda request: portal.call(answer, request))


@pytest.fixture
def client(database: Database, settings: Settings) -> Iterator[httpx.Client]:
    """A client of the whole application with a key that opens everything, once on each kind of database."""
    Store(settings.data_dir).prepare()
    with database.write() as session:
        headers = {"Authorization": f"Bearer {keys.create(session, 'test', ['admin'])[1]}"}
    with start_blocking_portal() as portal:
        transport = in_process(create_app(settings, database=database), portal)
        with httpx.Client(transport=transport, base_url="http://localhost", headers=headers) as client:
            yield client
