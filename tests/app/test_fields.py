import pytest
from pydantic import TypeAdapter, ValidationError

from app.fields import ALIAS_PATTERN, DatasetReference, Name, given_back, matches, original, split_reference


@pytest.mark.parametrize("name", ["digits", "0", "a" * 63, "my-data_2.1"])
def test_names(name: str) -> None:
    assert TypeAdapter(Name).validate_python(name) == name


@pytest.mark.parametrize(
    "name", ["", "Digits", "-a", ".a", "_a", "a" * 64, "a/b", "a b", "a@2", "a~b", "ä", "a\n", "..", "a\0"]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)


@pytest.mark.parametrize(("text", "meant"), [("digits", ("digits", None)), ("digits@2", ("digits", 2))])
def test_a_reference_names_a_dataset_or_one_version(text: str, meant: tuple[str, int | None]) -> None:
    assert split_reference(TypeAdapter(DatasetReference).validate_python(text)) == meant


@pytest.mark.parametrize(
    "text", ["digits@", "digits@0", "digits@-1", "digits@x", "@2", "digits@2@3", "digits@1\n"]
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(DatasetReference).validate_python(text)


def test_an_alias_is_never_mistaken_for_a_number() -> None:
    assert matches(ALIAS_PATTERN, "champion")
    assert matches(ALIAS_PATTERN, "2nd")
    assert not matches(ALIAS_PATTERN, "2")
    assert not matches(ALIAS_PATTERN, "champion\n")


def test_a_deleted_rows_name_is_nobodys_and_can_be_read_back() -> None:
    kept = given_back("digits", "dataset_01")
    assert not matches(r"^[a-z0-9][a-z0-9._-]{0,62}$", kept)
    assert original(kept) == "digits"
    assert original("digits") == "digits"
