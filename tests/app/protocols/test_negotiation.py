import pytest

from app.errors import NotAcceptable
from app.protocols.negotiation import negotiated

OFFERED = ["application/json", "image/png", "text/plain"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ([], "application/json"),
        ([""], "application/json"),
        (["*/*"], "application/json"),
        (["image/png"], "image/png"),
        (["IMAGE/PNG"], "image/png"),
        (["image/*"], "image/png"),
        (["text/html, text/*;q=0.5, */*;q=0.1"], "text/plain"),
        (["application/json;q=0.5, image/png;q=0.9"], "image/png"),
        (["*/*", "text/plain"], "text/plain"),
        (["*/*, application/json;q=0"], "image/png"),
        (["image/png;q=nonsense, text/plain;q=0.1"], "text/plain"),
    ],
)
def test_the_type_that_is_liked_best_is_taken(accept, expected):
    scope = {"headers": [(b"accept", value.encode()) for value in accept]}
    assert negotiated(scope, OFFERED) == expected


@pytest.mark.parametrize("accept", ["image/jpeg", "*/*;q=0", "application/json;q=0, text/html"])
def test_where_none_is_liked_those_that_there_are_are_named(accept):
    with pytest.raises(NotAcceptable, match="application/json, image/png, text/plain"):
        negotiated({"headers": [(b"accept", accept.encode())]}, OFFERED)
