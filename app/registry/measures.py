"""Measures: by which figure of their reports two versions are compared, and whether they can be."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.datasets.references import named_version
from app.errors import Conflict
from app.evaluations.repository import newest_on
from app.tables import DatasetVersion, ModelVersion
from models.schema import VOCABULARY_FILE
from models.signature import Signature, Task


class Measure(NamedTuple):
    """A figure among a version's metrics."""

    name: str
    higher_is_better: bool

    def of(self, version: ModelVersion) -> float | None:
        """Return the figure of a version's own report, None where it was not measured."""
        return version.metrics.get(self.name)

    def is_better(self, figure: float, other: float) -> bool:
        """Tell whether a figure is better than another."""
        return figure > other if self.higher_is_better else figure < other


# Figures of what is rebuilt or made up depend on how a network scales its rows: no two are comparable.
MEASURES: Mapping[Task, Measure] = {
    "classification": Measure("accuracy", higher_is_better=True),
    "regression": Measure("rmse", higher_is_better=False),
    "forecasting": Measure("rmse", higher_is_better=False),
    "generation": Measure("perplexity", higher_is_better=False),
}


def measure_of(version: ModelVersion) -> Measure | None:
    """Return by what a version is compared with others of its model, if it can be."""
    return MEASURES.get(Signature.model_validate(version.signature).task)


def require_not_worse(session: Session, present: ModelVersion, version: ModelVersion, reference: str) -> None:
    """Refuse a version that is worse than the present one on a dataset's test rows, as their reports show.

    What counts is the report of its training, if that was on these rows, else that of its newest evaluation.

    Raises:
        Conflict: ``not_measured`` and ``not_comparable``, where the reports cannot tell; ``worse``.
    """
    dataset = named_version(session, version.owner or "", reference, place="/not_worse_on")
    measure = measure_of(version)
    if measure is None or measure != measure_of(present):
        raise Conflict(
            f"Versions {version.number} and {present.number} have no figure by which they could be compared; "
            f"there is one for {', '.join(MEASURES)}.",
            code="not_comparable",
        )
    if measure == MEASURES["generation"] and _vocabulary(version) != _vocabulary(present):
        raise Conflict(
            f"Versions {version.number} and {present.number} know different tokens: how well each foretells "
            "its own cannot be compared.",
            code="not_comparable",
        )
    asked, held = (_figure(session, each, dataset, measure) for each in (version, present))
    if measure.is_better(held, asked):
        raise Conflict(
            f"Version {version.number} is worse than version {present.number} on the test rows of "
            f"{_shown(dataset)}: its {measure.name} is {asked:.6g}, not {held:.6g}.",
            code="worse",
            extra={"measure": measure.name, "asked": asked, "present": held},
        )


def _figure(session: Session, version: ModelVersion, dataset: DatasetVersion, measure: Measure) -> float:
    """Return the figure that a report of a version has for these very test rows."""
    if not (dataset.schema or {}).get("test_rows"):
        raise Conflict(
            f"{_shown(dataset)} has no test rows to compare by: each report is on rows of its own choice.",
            code="not_measured",
        )
    figure = _metrics(session, version, dataset).get(measure.name)
    if figure is None:
        raise Conflict(
            f"The report of version {version.number} has no {measure.name} on {_shown(dataset)}.",
            code="not_measured",
        )
    return float(figure)


def _metrics(session: Session, version: ModelVersion, dataset: DatasetVersion) -> Mapping[str, Any]:
    """Return the figures of the report that a version has on a dataset: of its training, or an evaluation."""
    own = session.get(DatasetVersion, version.dataset_version_id or "")
    if own is not None and (own.id == dataset.id or (own.digest or "") == dataset.digest):
        return version.metrics
    evaluation = newest_on(session, version, dataset)
    if evaluation is not None and evaluation.result is not None:
        metrics: Mapping[str, Any] = evaluation.result["metrics"]
        return metrics
    elsewhere = "" if own is None else f" but on {_shown(own)}"
    address = f"/api/v1/models/{version.model.name}/versions/{version.number}/evaluations"
    raise Conflict(
        f"Version {version.number} was not measured on {_shown(dataset)}{elsewhere}. "
        f"Evaluate it there with POST {address}, or name a dataset that both were measured on.",
        code="not_measured",
    )


def _vocabulary(version: ModelVersion) -> str | None:
    digest: str | None = version.files.get(VOCABULARY_FILE, {}).get("sha256")
    return digest


def _shown(dataset: DatasetVersion) -> str:
    return f"{dataset.dataset.name}@{dataset.number}"
