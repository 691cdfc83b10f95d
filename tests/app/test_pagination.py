import base64

import pytest
from pydantic import ValidationError

from app.errors import BadRequest
from app.pagination import PageQuery, cut, decode_cursor, encode_cursor


@pytest.mark.parametrize("position", ["job_01", 7, "naïve ✓"])
def test_a_cursor_leads_back_to_its_position(position: str | int) -> None:
    assert decode_cursor("jobs", encode_cursor("jobs", position)) == position


def test_a_cursor_of_another_list_or_of_other_filters_is_refused() -> None:
    with pytest.raises(BadRequest) as refused:
        decode_cursor("jobs training", encode_cursor("jobs", "job_01"))
    assert refused.value.code == "invalid_cursor"


@pytest.mark.parametrize("index", range(20))
def test_a_cursor_with_any_changed_character_is_refused(index: int) -> None:
    cursor = encode_cursor("jobs", "job_0123")
    changed = cursor[:index] + ("A" if cursor[index] != "A" else "B") + cursor[index + 1 :]
    with pytest.raises(BadRequest):
        decode_cursor("jobs", changed)


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "====", "a b", "job_01", "A" * 999, base64.b64encode(b"{}").decode()]
)
def test_nonsense_is_no_cursor(cursor: str) -> None:
    with pytest.raises(BadRequest):
        decode_cursor("jobs", cursor)


def test_the_last_page_has_no_cursor() -> None:
    assert cut([1, 2], 2, "numbers", lambda row: row) == ([1, 2], None)


def test_a_page_ends_where_its_cursor_says() -> None:
    page, cursor = cut([1, 2, 3], 2, "numbers", lambda row: row)
    assert page == [1, 2]
    assert cursor is not None
    assert decode_cursor("numbers", cursor) == 2


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_limit_out_of_range_is_refused_rather_than_bent(limit: int) -> None:
    with pytest.raises(ValidationError):
        PageQuery(limit=limit)


def test_a_page_has_fifty_rows_unless_asked_otherwise() -> None:
    assert (PageQuery().limit, PageQuery(limit=1).limit, PageQuery(limit=200).limit) == (50, 1, 200)
