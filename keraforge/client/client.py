"""The two clients: the same resources, over either transport."""

from pathlib import Path

import httpx

from keraforge.client.datasets import Datasets
from keraforge.client.jobs import Jobs
from keraforge.client.keys import Keys
from keraforge.client.models import Models
from keraforge.client.transports import Awaiting, Blocking
from keraforge.client.trash import Trash
from keraforge.client.workers import Workers


class Client(Blocking):
    """A client whose calls return when the service has answered.

        with keraforge.Client() as client:
            client.datasets.create("digits", builtin="digits")
            job = client.train(model="digits", dataset="digits", network={"preset": "cnn-small"})
            client.jobs.wait(job.id)
            answer = client.predict("digits", rows)

    Args:
        url: Address of the service; by default ``KERAFORGE_URL``, else the file ``url`` in the data folder.
        key: By default ``KERAFORGE_API_KEY``, else, on this machine, the file ``api-key`` in the data folder.
        data_dir: The data folder; by default ``KERAFORGE_DATA_DIR``, else ``$XDG_DATA_HOME/keraforge``.
        timeout: Seconds that an answer may take.
        transport: Another way to reach the service, for tests.

    Raises:
        NotRunning: no address is known.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        data_dir: str | Path | None = None,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(url, key, data_dir=data_dir, timeout=timeout, transport=transport)
        self.datasets: Datasets[Blocking] = Datasets(self)
        self.jobs: Jobs[Blocking] = Jobs(self)
        self.models: Models[Blocking] = Models(self)
        self.keys: Keys[Blocking] = Keys(self)
        self.workers: Workers[Blocking] = Workers(self)
        self.trash: Trash[Blocking] = Trash(self)
        self.train = self.jobs.train
        self.evaluate = self.models.evaluate
        self.predict = self.models.predict
        self.predict_image = self.models.predict_image
        self.sample = self.models.sample
        self.generate = self.models.generate
        self.stream_text = self.models.stream_text


class AsyncClient(Awaiting):
    """The same client for ``async`` code: every call is awaited, and ``jobs.watch`` is an ``async for``.

    Its arguments are those of :class:`Client`.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        data_dir: str | Path | None = None,
        timeout: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, key, data_dir=data_dir, timeout=timeout, transport=transport)
        self.datasets: Datasets[Awaiting] = Datasets(self)
        self.jobs: Jobs[Awaiting] = Jobs(self)
        self.models: Models[Awaiting] = Models(self)
        self.keys: Keys[Awaiting] = Keys(self)
        self.workers: Workers[Awaiting] = Workers(self)
        self.trash: Trash[Awaiting] = Trash(self)
        self.train = self.jobs.train
        self.evaluate = self.models.evaluate
        self.predict = self.models.predict
        self.predict_image = self.models.predict_image
        self.sample = self.models.sample
        self.generate = self.models.generate
        self.stream_text = self.models.stream_text
