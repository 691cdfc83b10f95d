"""Presets, and the way from what a person sends to complete specs. Keras-free."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from models.catalogue import PRESETS, Preset
from models.outline import outline
from models.schema import InputSchema
from models.specs.network import FAMILIES, NetworkSpec
from models.specs.problems import SpecError, SpecProblem, nearest, problems_of
from models.specs.training import TrainingSpec
from models.suitability import unsuited

__all__ = ["PRESETS", "Preset", "Resolved", "SpecError", "SpecProblem", "resolve"]

MAX_PARAMETERS = 150_000_000


@dataclass(frozen=True)
class Resolved:
    """Complete specs, every default filled in."""

    network: NetworkSpec
    training: TrainingSpec
    preset: str | None = field(default=None)


def resolve(
    network: Mapping[str, Any],
    training: Mapping[str, Any] | None,
    source: InputSchema,
    *,
    max_parameters: int = MAX_PARAMETERS,
) -> Resolved:
    """Return complete specs for what was sent: its fields win over the preset's, lists are replaced whole.

    Raises ``SpecError`` with every problem found; no network is built to find them.
    """
    resolved = read(network, training, source)
    _check(resolved, source, max_parameters)
    return resolved


def read(
    network: Mapping[str, Any], training: Mapping[str, Any] | None, source: InputSchema | None = None
) -> Resolved:
    """Return complete specs whose fields are right, whether or not they fit any rows.

    Raises ``SpecError`` with every problem found.
    """
    sent, preset = _without_preset(network)
    family = _family(sent, preset)
    if preset is not None:
        sent = _merged(preset.network, sent)
        training = _merged(preset.training, training or {})
        if source and preset.drawn_for and "input_size" not in sent:
            sent["input_size"] = _enlarged(source.shape, preset.drawn_for)
    return _read(family, sent, training or {}, preset)


def _without_preset(network: Mapping[str, Any]) -> tuple[dict[str, Any], Preset | None]:
    sent = dict(network)
    if "preset" not in sent or sent["preset"] is None:
        sent.pop("preset", None)
        return sent, None
    name = sent.pop("preset")
    if not isinstance(name, str) or name not in PRESETS:
        message = f"Unknown preset {name!r:.64}; /api/v1/families lists all.{nearest(str(name), PRESETS)}"
        raise SpecError([SpecProblem("/network/preset", "unknown_preset", message)])
    return sent, PRESETS[name]


def _family(sent: Mapping[str, Any], preset: Preset | None) -> str:
    name = sent.get("family", preset.family if preset else None)
    problem = None
    if name is None:
        problem = SpecProblem(
            "/network/family", "missing", f"Name a family ({', '.join(FAMILIES)}) or a preset."
        )
    elif not isinstance(name, str) or name not in FAMILIES:
        message = (
            f"Unknown family {name!r:.64}; known are {', '.join(FAMILIES)}.{nearest(str(name), FAMILIES)}"
        )
        problem = SpecProblem("/network/family", "unknown_family", message)
    elif preset and preset.family != name:
        message = f"The preset {preset.name} is of the family {preset.family}, not {name}; leave family out."
        problem = SpecProblem("/network/family", "wrong_family", message)
    if problem:
        raise SpecError([problem])
    return str(name)


def _merged(base: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Lay ``sent`` over ``base``. An object with another ``name`` is another thing and takes nothing over."""
    merged = dict(base)
    for key, value in sent.items():
        under = base.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping) and _same_name(under, value):
            merged[key] = _merged(under, value)
        else:
            merged[key] = value
    return merged


def _same_name(under: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    return "name" not in value or value["name"] == under.get("name")


def _enlarged(shape: tuple[int, ...], smallest: tuple[int, int]) -> list[int] | None:
    if len(shape) != 3 or (shape[0] >= smallest[0] and shape[1] >= smallest[1]):
        return None
    return [max(side, least) for side, least in zip(shape, smallest, strict=False)]


def _read(
    family: str, network: Mapping[str, Any], training: Mapping[str, Any], preset: Preset | None
) -> Resolved:
    problems: list[SpecProblem] = []
    spec = FAMILIES[family]
    try:
        network_spec = spec.model_validate(network)
    except ValidationError as error:
        problems += problems_of(error, "/network", spec, network)
    try:
        training_spec = TrainingSpec.model_validate(training)
    except ValidationError as error:
        problems += problems_of(error, "/training", TrainingSpec, training)
    if problems:
        raise SpecError(problems)
    return Resolved(network_spec, training_spec, preset.name if preset else None)


def _check(resolved: Resolved, source: InputSchema, max_parameters: int) -> None:
    problems = list(unsuited(resolved.network, resolved.training, source))
    parameters = outline(resolved.network, source, resolved.training.batch_size).parameters
    validation = resolved.training.cross_validation
    if validation and validation.ensemble:
        parameters *= validation.folds * validation.seeds
    if parameters > max_parameters:
        message = f"The network would have {parameters:,} parameters; {max_parameters:,} are allowed."
        problems.append(SpecProblem("/network", "too_many_parameters", message))
    if resolved.training.early_stopping and not resolved.training.validation:
        message = "Early stopping watches validation rows, and `validation` is 0: send a share, or null here."
        problems.append(SpecProblem("/training/early_stopping", "needs_validation", message))
    if problems:
        raise SpecError(problems)
