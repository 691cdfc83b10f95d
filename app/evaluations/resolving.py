"""Resolving: whether a dataset's test rows can be put to a version, and what an evaluation will do."""

from typing import Any

from app.tables import DatasetVersion, ModelVersion
from models.fitting import misfits, wrong_kind
from models.presets import SpecError
from models.schema import DatasetSchema
from models.signature import Signature


def resolved(version: ModelVersion, dataset: DatasetVersion) -> dict[str, Any]:
    """Return what an evaluation of a version on a dataset version that is ready will do.

    Raises:
        models.presets.SpecError: the rows do not fit the version's signature.
    """
    schema = DatasetSchema.model_validate(dataset.schema)
    name, signature = _named(version)
    problems = list(misfits(name, signature, schema))
    if problems:
        raise SpecError(problems)
    return {
        "version": name,
        "dataset": f"{dataset.dataset.name}@{dataset.number}",
        "rows": {"test": schema.test_rows},
    }


def check_without_rows(version: ModelVersion, dataset: DatasetVersion) -> None:
    """Raise SpecError where a dataset that is still being read cannot fit, whatever its rows."""
    problems = list(wrong_kind(*_named(version), dataset.dataset.kind))
    if problems:
        raise SpecError(problems)


def _named(version: ModelVersion) -> tuple[str, Signature]:
    return f"{version.model.name}@{version.number}", Signature.model_validate(version.signature)
