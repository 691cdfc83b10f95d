"""Whether rows of another dataset than that of its training can be put to a version. Keras-free."""

from collections.abc import Iterator

from models.schema import Column, DatasetSchema, Kind, TextSchema
from models.signature import Signature
from models.specs.problems import SpecProblem
from models.tensor_names import LABEL, RECONSTRUCTION, SAMPLE

PLACE = "/dataset"
SHOWN = 5


def misfits(version: str, signature: Signature, schema: DatasetSchema) -> Iterator[SpecProblem]:
    """Yield why the test rows of a dataset cannot be put to a version, which messages call ``version``.

    Columns, classes and targets are known by their names, so that their order does not matter; columns and
    targets that the version does not know are passed over.
    """
    if schema.kind != kind_of(signature):
        yield from wrong_kind(version, signature, schema.kind)
        return
    yield from _shapes(version, signature, schema)
    yield from _columns(version, signature, schema)
    yield from _targets(version, signature, schema)
    if not schema.test_rows:
        yield _problem("no_test_rows", "The dataset has no test rows, and others are not looked at.")


def wrong_kind(version: str, signature: Signature, kind: str) -> Iterator[SpecProblem]:
    """Yield that a version takes other rows than those of a dataset of this kind, if that is so."""
    own = kind_of(signature)
    if own != kind:
        yield _problem("wrong_kind", f"{version} learnt from {own}; the kind of this dataset is {kind}.")


def kind_of(signature: Signature) -> Kind:
    """Return what rows a version takes, or makes."""
    if signature.image is not None:
        return "images"
    if signature.columns:
        return "table"
    if signature.text is not None:
        return "text"
    return ("vectors", "sequences", "images")[len(shape_of(signature)) - 1]


def shape_of(signature: Signature) -> tuple[int, ...]:
    """Return the shape of one whole row; a forecast's has the step that is foretold too."""
    roles = signature.roles
    if signature.columns:
        return (len(signature.columns),)
    if "predict" in roles:
        shape = roles["predict"].inputs[0].shape
        return (shape[0] + 1, *shape[1:]) if signature.task == "forecasting" else shape
    made = [each for role in roles.values() for each in role.outputs if each.name in {RECONSTRUCTION, SAMPLE}]
    return made[0].shape if made else ()


def knows_classes(signature: Signature) -> bool:
    """Return whether a version answers by classes, or is asked for them."""
    sample = signature.roles.get("sample")
    conditional = sample is not None and any(tensor.name == LABEL for tensor in sample.inputs)
    return signature.task == "classification" or conditional


def _shapes(version: str, signature: Signature, schema: DatasetSchema) -> Iterator[SpecProblem]:
    if signature.text is not None and schema.text is not None:
        wanted, found = (_tokens(each) for each in (signature.text, schema.text))
        if wanted != found:
            yield _problem(
                "wrong_tokens",
                f"{version} reads {wanted}; this dataset was read as {found}. Upload the file once more with "
                "the options tokens and lowercase.",
            )
    elif not signature.columns and not _has_shape(signature, schema):
        most = ", or fewer steps" if signature.variable_length else ""
        hint = " Upload the pictures once more with the option size." if schema.kind == "images" else ""
        shapes = f"{list(shape_of(signature))}{most}; those of this dataset are {list(schema.shape)}"
        yield _problem("wrong_shape", f"{version} takes rows of {shapes}.{hint}")
    mine, theirs = signature.image, schema.image
    if mine and theirs and (mine.low, mine.high) != (theirs.low, theirs.high):
        yield _problem(
            "wrong_range",
            f"{version} takes values from {mine.low:g} to {mine.high:g}; those of this dataset are read as "
            f"from {theirs.low:g} to {theirs.high:g}. Upload the file once more with the option range.",
        )


def _has_shape(signature: Signature, schema: DatasetSchema) -> bool:
    mine, theirs = shape_of(signature), schema.shape
    if signature.variable_length:
        return theirs[1:] == mine[1:] and theirs[0] <= mine[0]
    return theirs == mine


def _tokens(text: TextSchema) -> str:
    return f"{text.tokens}s{' in lower case' if text.lowercase else ''}"


def _columns(version: str, signature: Signature, schema: DatasetSchema) -> Iterator[SpecProblem]:
    theirs = {column.name: column for column in schema.columns}
    missing = [column.name for column in signature.columns if column.name not in theirs]
    if missing:
        yield _problem(
            "missing_columns", f"The dataset has no column {_named(missing)}, which {version} takes."
        )
    for column in signature.columns:
        other = theirs.get(column.name)
        if other is not None and other.kind != column.kind:
            yield _other_kind(version, column, other)


def _other_kind(version: str, mine: Column, theirs: Column) -> SpecProblem:
    return _problem(
        "wrong_column",
        f"{version} takes the column {mine.name} as {_kind(mine)}; in this dataset it is {_kind(theirs)}. "
        "Upload the file once more with the option categories.",
    )


def _kind(column: Column) -> str:
    return "a category" if column.kind == "category" else "a number"


def _targets(version: str, signature: Signature, schema: DatasetSchema) -> Iterator[SpecProblem]:
    if knows_classes(signature):
        if not schema.labels:
            yield _problem(
                "no_classes", f"{version} is judged by classes; the rows of this dataset have none."
            )
        unknown = [label for label in schema.labels if label not in signature.labels]
        if unknown:
            yield _problem("unknown_classes", f"{version} knows no class {_named(unknown)} of this dataset.")
    missing = [name for name in signature.targets if name not in schema.targets]
    if missing and signature.task == "regression":
        yield _problem(
            "missing_targets", f"The dataset has no target {_named(missing)}, which {version} predicts."
        )


def _named(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _problem(code: str, message: str) -> SpecProblem:
    return SpecProblem(PLACE, code, message)
