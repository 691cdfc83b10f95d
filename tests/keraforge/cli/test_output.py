from typing import Any

import pytest

from keraforge.cli.output import shown

CLEARS_THE_SCREEN = "\x1b[2J"


@pytest.mark.parametrize(
    "value", [CLEARS_THE_SCREEN, [CLEARS_THE_SCREEN], {"purpose": CLEARS_THE_SCREEN}, {CLEARS_THE_SCREEN: 1}]
)
def test_text_that_others_wrote_cannot_drive_the_terminal(value: Any) -> None:
    assert r"\x1b[2J" in shown(value).plain
    assert "\x1b" not in shown(value).plain


def test_text_is_shown_as_it_is_with_its_lines() -> None:
    assert shown("größer [b]\n7 日").plain == "größer [b]\n7 日"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.123456, "0.1235"), ([1, 0.123456], "1, 0.123456"), ({"a": 1.0}, "a 1")],
)
def test_values_are_shown_briefly(value: Any, text: str) -> None:
    assert shown(value).plain == text
