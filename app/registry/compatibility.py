"""Compatibility: what callers of one version would have to change for another."""

from models.signature import Signature, TensorSignature


def changes(before: Signature, after: Signature) -> list[str]:
    """Return, in words, what differs in names, dtypes and shapes; empty if callers notice nothing.

    A role that is new breaks nobody. Labels may change: they are read from every answer.
    """
    found = []
    for name, role in before.roles.items():
        other = after.roles.get(name)
        if other is None:
            found.append(f"{name} is gone")
            continue
        found += _differences(f"{name} takes", role.inputs, other.inputs)
        found += _differences(f"{name} returns", role.outputs, other.outputs)
    return found


def _differences(
    what: str, before: tuple[TensorSignature, ...], after: tuple[TensorSignature, ...]
) -> list[str]:
    if before == after:
        return []
    return [f"{what} {_shown(after)}, not {_shown(before)}"]


def _shown(tensors: tuple[TensorSignature, ...]) -> str:
    return ", ".join(f"{tensor.name} {tensor.dtype}{list(tensor.shape)}" for tensor in tensors)
