"""Workers: the processes that run jobs."""

from urllib.parse import quote

from keraforge.client.operations import Resource, TransportT, operation
from keraforge.client.records import Worker
from keraforge.client.requests import Steps, fetch

# Named here, since within the class ``list`` is a method.
WorkerList = list[Worker]


class Workers(Resource[TransportT]):
    """What runs the jobs, and where."""

    @operation
    def list(self) -> Steps[WorkerList]:
        """Return all workers, those that were lost within a day too."""
        return [Worker.read(item) for item in (yield from fetch("GET", "/workers"))["items"]]

    @operation
    def drain(self, worker: str) -> Steps[Worker]:
        """Have a worker hand its jobs back, and take no more until it is started again."""
        return Worker.read((yield from fetch("POST", f"/workers/{quote(worker, safe='')}/drain")))
