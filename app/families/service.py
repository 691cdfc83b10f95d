"""Families and presets, and what a pair of specs would become."""

from functools import cache

from sqlalchemy.orm import Session

from app.datasets.references import named_version
from app.errors import Conflict
from app.families.schemas import FamilyList, FamilyRead, PresetRead, ResolvedRead, SpecsCheck, SpecsOutline
from app.jobs.resolving import refusal
from models.outline import outline
from models.presets import PRESETS, SpecError, resolve
from models.schema import DatasetSchema, InputSchema, input_of
from models.specs.network import FAMILIES
from models.specs.training import TrainingSpec
from models.suitability import overlooked


@cache
def families() -> FamilyList:
    """Return all families with the JSON Schema of their specs and their presets."""
    return FamilyList(
        items=[
            FamilyRead(
                family=family,
                summary=(spec.__doc__ or "").partition("\n")[0],
                schema=spec.model_json_schema(),
                presets=[
                    PresetRead(
                        name=name,
                        summary=preset.summary,
                        network=dict(preset.network),
                        training=dict(preset.training),
                    )
                    for name, preset in PRESETS.items()
                    if preset.family == family
                ],
            )
            for family, spec in FAMILIES.items()
        ],
        training=TrainingSpec.model_json_schema(),
    )


def check(session: Session, owner: str, body: SpecsCheck, *, max_parameters: int) -> SpecsOutline:
    """Return what the specs become; raises Invalid with a pointer to every field that is wrong."""
    source = body.input or _input(session, owner, body.dataset or "")
    try:
        whole = resolve(body.network, body.training, source, max_parameters=max_parameters)
    except SpecError as error:
        raise refusal(error) from None
    found = outline(whole.network, source, whole.training.batch_size)
    warnings = [*found.warnings, *overlooked(whole.network, source)]
    return SpecsOutline(
        **dict(found) | {"warnings": warnings},
        resolved=ResolvedRead(
            preset=whole.preset,
            network=whole.network.model_dump(mode="json"),
            training=whole.training.model_dump(mode="json"),
        ),
    )


def _input(session: Session, owner: str, reference: str) -> InputSchema:
    version = named_version(session, owner, reference)
    if version.schema is None:
        raise Conflict(
            f"{version.dataset.name}@{version.number} is {version.state}; its rows are not known yet. "
            "Wait until it is ready, or send `input`.",
            extra={"current_state": version.state},
        )
    return input_of(DatasetSchema.model_validate(version.schema))
