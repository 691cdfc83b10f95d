"""Evaluations: versions examined on other datasets than that of their training."""

import uuid
from urllib.parse import quote

from keraforge.client.operations import Resource, TransportT, operation
from keraforge.client.records import Evaluation, Job
from keraforge.client.requests import Steps, fetch, listed

EvaluationList = list[Evaluation]


class Evaluating(Resource[TransportT]):
    """What a version is worth on the test rows of any dataset that fits it."""

    @operation
    def evaluate(
        self, name: str, version: int, *, dataset: str, idempotency_key: str | None = None
    ) -> Steps[Job]:
        """Submit an evaluation and return its job, queued.

        Args:
            name: Name of the model.
            version: Number of the version to examine.
            dataset: ``digits``, or a version such as ``digits@2``; its test rows are looked at.
            idempotency_key: As for :meth:`Jobs.train <keraforge.client.jobs.Jobs.train>`.
        """
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        body = {"dataset": dataset}
        return Job.read((yield from fetch("POST", _path(name, version), json=body, headers=headers)))

    @operation
    def evaluations(self, name: str, version: int, *, limit: int | None = 50) -> Steps[EvaluationList]:
        """Return a version's evaluations, the newest first, without their reports."""
        found = yield from listed(_path(name, version), limit)
        return [Evaluation.read(item) for item in found]

    @operation
    def evaluation(self, name: str, version: int, job: str) -> Steps[Evaluation]:
        """Return one evaluation by its job, with its report and its files."""
        path = f"{_path(name, version)}/{quote(job, safe='')}"
        return Evaluation.read((yield from fetch("GET", path)))


def _path(name: str, version: int) -> str:
    return f"/models/{quote(name, safe='')}/versions/{version}/evaluations"
