"""Jobs: submit a training, look, follow, wait, steer."""

import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, overload
from urllib.parse import quote

from keraforge.client.following import Following
from keraforge.client.operations import Resource, TransportT, operation
from keraforge.client.records import Event, Job, Promote
from keraforge.client.requests import Pause, Steps, fetch, listed
from keraforge.client.transports import Awaiting, Blocking
from keraforge.errors import WaitedTooLong

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0

# Named here, since within the class ``list`` is a method.
JobList = list[Job]
LogLines = list[dict[str, Any]]


class Jobs(Resource[TransportT]):
    """Anything that takes time: trainings, evaluations, and the reading of datasets."""

    @operation
    def train(
        self,
        *,
        model: str,
        dataset: str,
        network: Mapping[str, Any],
        training: Mapping[str, Any] | None = None,
        start_from: str | None = None,
        promote: Promote | None = None,
        priority: int | None = None,
        tags: Mapping[str, str] | None = None,
        notes: str | None = None,
        idempotency_key: str | None = None,
    ) -> Steps[Job]:
        """Submit a training job and return it, queued.

        Args:
            model: Name under which the trained network is published.
            dataset: ``digits``, or a version such as ``digits@2``.
            network: A preset, a family, or both, and every field that shall differ from it.
            training: Epochs, batch size, optimizer and so on; what is left out comes from the preset.
            start_from: A version whose weights the network starts with: ``digits@3``, ``digits@champion``.
            promote: Whether the new version becomes the model's ``champion``; by default always.
            priority: Higher runs first.
            tags: Your own labels.
            notes: Free text.
            idempotency_key: Submitting again with the same key returns the first job; each call is new
                without one.
        """
        body = {
            "model": model,
            "dataset": dataset,
            "network": dict(network),
            "training": dict(training) if training is not None else None,
            "start_from": start_from,
            "promote": promote,
            "priority": priority,
            "tags": dict(tags) if tags is not None else None,
            "notes": notes,
        }
        sent = {name: value for name, value in body.items() if value is not None}
        # With a key, a broken line is mended by asking again, and yet one job comes of it.
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return Job.read((yield from fetch("POST", "/jobs", json=sent, headers=headers)))

    @operation
    def list(
        self, *, kind: str | None = None, state: str | None = None, limit: int | None = 50
    ) -> Steps[JobList]:
        """Return the newest jobs, at most ``limit`` of them; None means all."""
        return [Job.read(item) for item in (yield from listed("/jobs", limit, kind=kind, state=state))]

    @operation
    def get(self, job: str) -> Steps[Job]:
        """Return one job by its identifier."""
        return (yield from _get(job))

    @operation
    def cancel(self, job: str) -> Steps[Job]:
        """Cancel a job that is not over; nothing of it is kept."""
        return (yield from _ask(job, "cancel"))

    @operation
    def stop(self, job: str) -> Steps[Job]:
        """Have a running training finish early, and publish what it has learned so far."""
        return (yield from _ask(job, "stop"))

    @operation
    def pause(self, job: str) -> Steps[Job]:
        """Pause a job, queued or running; it frees its slot."""
        return (yield from _ask(job, "pause"))

    @operation
    def resume(self, job: str) -> Steps[Job]:
        """Queue a paused job again; it goes on from its checkpoint."""
        return (yield from _ask(job, "resume"))

    @operation
    def retry(self, job: str) -> Steps[Job]:
        """Queue a failed job again; it goes on from its last checkpoint, if it has one."""
        return (yield from _ask(job, "retry"))

    @operation
    def clone(
        self, job: str, edits: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None
    ) -> Steps[Job]:
        """Submit a job like ``job`` and return it, queued.

        Args:
            job: The job to begin with.
            edits: Fields that shall differ, as the job's body has them: ``{"training": {"epochs": 20}}``.
                Objects are merged into those of the job; None removes a field.
            idempotency_key: As for :meth:`train`.
        """
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        body = dict(edits or {})
        return Job.read((yield from fetch("POST", f"{_path(job)}/clone", json=body, headers=headers)))

    @operation
    def update(
        self,
        job: str,
        *,
        priority: int | None = None,
        tags: Mapping[str, str] | None = None,
        notes: str | None = None,
    ) -> Steps[Job]:
        """Change a job's priority, tags or notes; what is left out stays."""
        fields = {"priority": priority, "tags": dict(tags) if tags is not None else None, "notes": notes}
        sent = {name: value for name, value in fields.items() if value is not None}
        return Job.read((yield from fetch("PATCH", _path(job), json=sent)))

    @operation
    def wait(self, job: str, *, timeout: float | None = None) -> Steps[Job]:
        """Return the job when it has succeeded.

        Raises:
            JobFailed: it failed or was cancelled.
            WaitedTooLong: ``timeout`` seconds passed.
        """
        deadline = time.monotonic() + timeout if timeout is not None else None
        pause = FIRST_PAUSE
        while not (found := (yield from _get(job))).is_over:
            if deadline is not None and time.monotonic() >= deadline:
                raise WaitedTooLong(f"{job} is still {found.state} after {timeout:g} s.")
            yield Pause(pause)
            pause = min(1.5 * pause, LONGEST_PAUSE)
        return found.ensure_succeeded()

    @operation
    def metrics(
        self, job: str, *, keys: Sequence[str] | None = None, max_points: int | None = None
    ) -> Steps[dict[str, Any]]:
        """Return the job's curves: ``{"series": [{"key", "points": [{"epoch", "step", "value"}]}]}``."""
        query = {"keys": keys, "max_points": max_points}
        answer: dict[str, Any] = yield from fetch("GET", f"{_path(job)}/metrics", query=query)
        return answer

    @operation
    def logs(self, job: str, *, after: int = 0) -> Steps[LogLines]:
        """Return the job's log lines after event ``after``: ``{"id", "at", "level", "message"}``."""
        lines: LogLines = []
        while True:
            answer = yield from fetch("GET", f"{_path(job)}/logs", query={"after": after})
            if not answer["items"]:
                return lines
            lines += answer["items"]
            after = answer["last_id"]

    @overload
    def watch(self: "Jobs[Blocking]", job: str, *, after: int | None = ...) -> Iterator[Event]: ...
    @overload
    def watch(self: "Jobs[Awaiting]", job: str, *, after: int | None = ...) -> AsyncIterator[Event]: ...
    def watch(self, job: str, *, after: int | None = None) -> Iterator[Event] | AsyncIterator[Event]:
        """Yield the job's events as they come, those so far first, until it is over.

        A line that breaks is taken up again where it broke; no event comes twice.

        Args:
            job: The job's identifier.
            after: Identifier of an event that was seen; only later ones are yielded.
        """
        last_id = None if after is None else str(after)
        return self._transport.follow(
            Following(f"{_path(job)}/events", Event.parse, lambda event: event.ends_job, last_id=last_id)
        )


def _path(job: str) -> str:
    return f"/jobs/{quote(job, safe='')}"


def _ask(job: str, verb: str) -> Steps[Job]:
    return Job.read((yield from fetch("POST", f"{_path(job)}/{verb}")))


def _get(job: str) -> Steps[Job]:
    return Job.read((yield from fetch("GET", _path(job))))
