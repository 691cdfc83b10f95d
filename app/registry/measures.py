"""Measures: by which figure of their reports two versions are compared, and whether they can be."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.datasets.references import named_version
from app.errors import Conflict
from app.tables import DatasetVersion, ModelVersion
from models.signature import Signature, Task


class Measure(NamedTuple):
    """A figure among a version's metrics."""

    name: str
    higher_is_better: bool

    def of(self, version: ModelVersion) -> float | None:
        """Return the figure of a version, None where it was not measured."""
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
    """Refuse a version that its own report shows to be worse than the present one on a dataset's test rows.

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
    asked, held = (_figure(session, each, dataset, measure) for each in (version, present))
    if measure.is_better(held, asked):
        raise Conflict(
            f"Version {version.number} is worse than version {present.number} on the test rows of "
            f"{_shown(dataset)}: its {measure.name} is {asked:.6g}, not {held:.6g}.",
            code="worse",
            extra={"measure": measure.name, "asked": asked, "present": held},
        )


def _figure(session: Session, version: ModelVersion, dataset: DatasetVersion, measure: Measure) -> float:
    """Return the figure that a version's report has for these very test rows."""
    own = session.get(DatasetVersion, version.dataset_version_id)
    if own is None or (own.id != dataset.id and (own.digest is None or own.digest != dataset.digest)):
        elsewhere = "" if own is None else f" but on {_shown(own)}"
        raise Conflict(
            f"Version {version.number} was not measured on {_shown(dataset)}{elsewhere}. "
            "Name a dataset that both versions were trained and measured on, or train again on this one.",
            code="not_measured",
        )
    if not (dataset.schema or {}).get("test_rows"):
        raise Conflict(
            f"{_shown(dataset)} has no test rows to compare by: each report is on rows of its own choice.",
            code="not_measured",
        )
    figure = measure.of(version)
    if figure is None:
        raise Conflict(
            f"The report of version {version.number} has no {measure.name} on {_shown(dataset)}.",
            code="not_measured",
        )
    return figure


def _shown(dataset: DatasetVersion) -> str:
    return f"{dataset.dataset.name}@{dataset.number}"
