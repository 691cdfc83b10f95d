"""The reading program: an upload or a built-in dataset becomes canonical arrays.

Run it by hand: ``python -P -m workers.children.reader ORDER_DIR``.
"""

import tempfile
import time
from pathlib import Path

from pydantic import ValidationError

from models.reading.builtin import read_builtin
from models.reading.canonical import write_canonical
from models.reading.errors import BadData
from models.reading.opening import open_upload
from models.reading.options import ReadingOptions
from models.reading.source import Source
from models.reading.upload import Report, Upload
from workers.children.events import Events
from workers.children.program import Failed, run, start
from workers.children.stopping import Stop
from workers.protocol import Failure, Order, ReadingOrder

_REPORT_SECONDS = 2.0


def main(order_dir: Path, events_fd: int, *, parent_pid: int | None = None) -> int:
    """Read what the order names; return the exit status."""
    return run(read, order_dir, events_fd, parent_pid=parent_pid)


def read(order: Order, output: Path, events: Events, stop: Stop) -> None:
    """Write the canonical files of a dataset and report what was found."""
    assert isinstance(order, ReadingOrder)
    try:
        options = ReadingOptions.model_validate(order.options)
        # Beside the output, for there is room where the output is to be.
        with tempfile.TemporaryDirectory(prefix="unpacked-", dir=output.parent) as scratch:
            events.phase("unpacking")
            source = _open(order, options, Path(scratch), _Reporter(events, stop))
            stop.check()
            events.phase("reading")
            reading = write_canonical(source, options, output, order.max_bytes)
    except BadData as error:
        raise Failed(Failure(code="bad_data", message=error.message, hint=error.hint)) from error
    except ValidationError as error:
        raise Failed(_bad_options(error)) from error
    stop.check()
    events.send(
        "result",
        {
            "schema": reading.schema.model_dump(mode="json"),
            "profile": reading.profile,
            "split": reading.split,
            "warnings": reading.warnings,
            "digest": reading.digest,
        },
    )


class _Reporter:
    """Tells how far the reading is, once in a while, and ends it when asked to leave."""

    def __init__(self, events: Events, stop: Stop) -> None:
        self._events, self._stop = events, stop
        self._next = time.monotonic() + _REPORT_SECONDS

    def __call__(self, done: int, whole: int) -> None:
        self._stop.check()
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _REPORT_SECONDS
            self._events.send("progress", {"step": done, "steps": whole})


def _open(order: ReadingOrder, options: ReadingOptions, scratch: Path, report: Report) -> Source:
    misplaced = options.misplaced(order.dataset_kind)
    if misplaced:
        name, why = next(iter(misplaced.items()))
        raise BadData(f"{why}.", "Leave the option out.", f"options.{name}")
    if order.builtin is not None:
        return read_builtin(order.builtin, order.dataset_kind, options, scratch, report)
    assert order.file is not None, "an order to read names a file or a built-in dataset"
    upload = Upload(order.file, order.filename or "", scratch, order.max_bytes, report)
    return open_upload(order.dataset_kind, upload, options)


def _bad_options(error: ValidationError) -> Failure:
    first = error.errors()[0]
    place = ".".join(str(part) for part in ("options", *first["loc"]))
    return Failure(code="bad_data", message=f"{place}: {first['msg']}.")


if __name__ == "__main__":
    start(main)
