"""How an upload is to be read: part of the API and of a dataset version's digest."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from models.reading.limits import (
    MAX_CLASSES,
    MAX_COLUMNS,
    MAX_LABEL_CHARACTERS,
    MAX_SIDE,
    MAX_TOKENS,
    MAX_VOCABULARY,
)
from models.reading.source import TargetKind
from models.schema import Frozen, Kind

Label = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_LABEL_CHARACTERS, pattern=r"^[^\x00-\x1f]+$")
]
Bound = Annotated[float, Field(allow_inf_nan=False, ge=-1e30, le=1e30)]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
ColumnNames = Annotated[list[Label], Field(min_length=1, max_length=MAX_COLUMNS)]

# Options that mean something for some kinds only.
_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "range": ("images",),
    "size": ("images",),
    "target": ("table", "sequences"),
    "categories": ("table",),
    "ignore": ("table", "sequences"),
    "split_column": ("table",),
    "sequence_column": ("sequences",),
    "time_column": ("sequences",),
    "tokens": ("text",),
    "vocabulary": ("text",),
    "length": ("text", "sequences"),
    "lowercase": ("text",),
    "layout": ("text",),
}

_NEEDED = ("target", "split_column", "sequence_column", "time_column", "weight")


def _is_absent(value: object) -> bool:
    return value is None


class ReadingOptions(Frozen):
    """The choices a person has when data is read; some are for some kinds of datasets only."""

    test_fraction: float = Field(
        0.2,
        ge=0.01,
        le=0.9,
        description="Share of the rows kept for the report; not used if the file has its own.",
    )
    stratified: bool = Field(True, description="Give the test rows the same mixture of classes as the whole.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of the split.")
    labels: list[Label] | None = Field(
        None,
        min_length=2,
        max_length=MAX_CLASSES,
        description="Class names: one for each class in ascending order, or one for each number from 0.",
    )
    range: tuple[Bound, Bound] | None = Field(
        None, description="Images: the values that black and white have; found from the data when absent."
    )
    # What stands below is left out of digests and records where it is not given: it came after the others.
    split: Literal["random", "last", "hash"] | None = Field(
        None,
        exclude_if=_is_absent,
        description="Which rows are kept for the report: drawn at random (default); the last ones, by"
        " `split_column` if given; or by a hash of `split_column`, so that equal rows stay together.",
    )
    target_kind: TargetKind | None = Field(
        None,
        exclude_if=_is_absent,
        description="What is to be predicted: classes, values or nothing; found from the data when absent.",
    )
    size: tuple[Side, Side] | None = Field(
        None,
        exclude_if=_is_absent,
        description="Zip of pictures: height and width that all are given; when absent the medians, at most"
        " 256 a side.",
    )
    target: ColumnNames | None = Field(
        None,
        exclude_if=_is_absent,
        description="Table: the column to be predicted, or several columns of numbers; by default the one"
        " called target, label, class or y, else the last. Sequences: none by default; it is the same in all"
        " steps of a sequence.",
    )
    categories: ColumnNames | None = Field(
        None, exclude_if=_is_absent, description="Table: columns of numbers that are names of categories."
    )
    ignore: ColumnNames | None = Field(
        None, exclude_if=_is_absent, description="Table, sequences: columns that are left out."
    )
    split_column: Label | None = Field(
        None,
        exclude_if=_is_absent,
        description="Table: the column that `split` goes by; it is no input.",
    )
    sequence_column: Label | None = Field(
        None,
        exclude_if=_is_absent,
        description="Sequences from a table: the column that tells which sequence a line is a step of."
        " Without it the table is one long series, which is cut into blocks of `length` steps.",
    )
    time_column: Label | None = Field(
        None,
        exclude_if=_is_absent,
        description="Sequences from a table: the column that steps are ordered by; by default they stand as"
        " in the file.",
    )
    tokens: Literal["word", "character"] | None = Field(
        None, exclude_if=_is_absent, description="Text: what the tokens are; words by default."
    )
    vocabulary: int | None = Field(
        None,
        ge=3,
        le=MAX_VOCABULARY,
        exclude_if=_is_absent,
        description="Text: largest number of ids; 10,000 by default, of characters 1,000.",
    )
    length: int | None = Field(
        None,
        ge=1,
        le=MAX_TOKENS,
        exclude_if=_is_absent,
        description="Text: tokens of a row; by default what 95 % of the documents need, at most 512; of a"
        " corpus 128. Sequences: steps of a block of one long series, 100 by default.",
    )
    lowercase: bool | None = Field(
        None,
        exclude_if=_is_absent,
        description="Text: whether capitals are read as small letters; by default where tokens are words.",
    )
    layout: Literal["lines", "corpus"] | None = Field(
        None,
        exclude_if=_is_absent,
        description="Text file: one document a line (default), or one long corpus, cut into blocks.",
    )
    weight: Label | None = Field(
        None,
        exclude_if=_is_absent,
        description="What says how much each row counts in training, by numbers from 0 on: a column of a"
        " table, the same in all steps of a sequence; an array of `.npz`; a field of `.jsonl`. It is no"
        " input.",
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError(f"range must be [low, high] with low below high, got {list(self.range)}")
        if self.split == "hash" and self.split_column is None:
            raise ValueError("split by hash needs split_column, the column that is hashed")
        if self.split_column is not None and self.split not in ("last", "hash"):
            raise ValueError("split_column needs split, which says how it is used: last or hash")
        return self

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        if self.labels is not None:
            if len(set(self.labels)) != len(self.labels):
                raise ValueError("labels must differ from each other")
            if self.target_kind in ("values", "none"):
                raise ValueError(f"labels are names of classes, and target_kind is {self.target_kind}")
        if self.target is not None and len(set(self.target)) != len(self.target):
            raise ValueError("target names a column twice")
        if self.weight in (self.target or ()):
            raise ValueError("weight names a column that target names too")
        return self

    @model_validator(mode="after")
    def _ignores_nothing_needed(self) -> Self:
        for option in _NEEDED:
            named = getattr(self, option)
            needed = named if isinstance(named, list) else [named]
            if not set(needed).isdisjoint(self.ignore or ()):
                raise ValueError(f"ignore leaves out a column that {option} names")
        return self

    def misplaced(self, kind: Kind) -> dict[str, str]:
        """Return the options that were given but mean nothing for a dataset of this kind, and why."""
        return {
            name: f"{name} is an option of {' and '.join(kinds)}; this is a dataset of {kind}"
            for name, kinds in _KINDS.items()
            if kind not in kinds and getattr(self, name) is not None
        }
