"""The trash: what was deleted and can still be restored."""

from urllib.parse import quote

from keraforge.client.operations import Resource, TransportT, operation
from keraforge.client.records import TrashItem
from keraforge.client.requests import Steps, fetch, listed

# Named here, since within the class ``list`` is a method.
TrashList = list[TrashItem]


class Trash(Resource[TransportT]):
    """Datasets, models, their versions, and jobs that were deleted."""

    @operation
    def list(self, *, limit: int | None = 50) -> Steps[TrashList]:
        """Return what was deleted, the latest first, at most ``limit``; None means all."""
        return [TrashItem.read(item) for item in (yield from listed("/trash", limit))]

    @operation
    def restore(self, item: str) -> Steps[None]:
        """Take something out of the trash by its identifier; a dataset or a model with its versions."""
        yield from fetch("POST", f"/trash/{quote(item, safe='')}/restore")
