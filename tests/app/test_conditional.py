import pytest
from pydantic import BaseModel

from app.conditional import entity_tag, names, require_match
from app.errors import PreconditionFailed


class Shown(BaseModel):
    value: int


def test_the_tag_follows_what_is_shown() -> None:
    assert entity_tag(Shown(value=1)) == entity_tag(Shown(value=1))
    assert entity_tag(Shown(value=1)) != entity_tag(Shown(value=2))
    assert entity_tag(Shown(value=1)).startswith('"')


@pytest.mark.parametrize("header", ['"a"', 'W/"a"', '"b", "a"', '"b",W/"a"', "*"])
def test_a_header_that_names_the_tag(header: str) -> None:
    assert names(header, '"a"')


@pytest.mark.parametrize("header", [None, "", '"b"', "a", '"A"'])
def test_a_header_that_does_not(header: str | None) -> None:
    assert not names(header, '"a"')


def test_a_change_for_another_revision_is_refused() -> None:
    require_match(None, '"a"')
    require_match('"a"', '"a"')
    with pytest.raises(PreconditionFailed):
        require_match('"b"', '"a"')
