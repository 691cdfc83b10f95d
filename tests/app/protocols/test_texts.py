import json

import numpy as np
import pytest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/models/reviews/predict"
WORDS = ["", "\ufffd", "good", "bad", "!"]
PLAIN = {"content-type": "text/plain; charset=utf-8"}


@pytest.fixture
def reviews(registry, made):
    """A version that answers with the ids that it was given, of the first four words."""
    role = made.role("predict", {"text": ((4,), "int32")}, {"values": (4,)})
    role.node("Cast", ["text"], ["values"], to=1)
    examples = {"predict": {"text": np.ones((2, 4), np.int32)}}
    text = {"tokens": "word", "vocabulary": len(WORDS), "lowercase": True}
    files = {"vocabulary.json": json.dumps(WORDS).encode()}
    return registry.publish(
        "reviews", **made.artifact([role], examples, task="regression", text=text, files=files)
    )


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [row["values"] for row in answer.json()["predictions"]]


async def test_texts_become_ids_as_in_training(client, reviews):
    texts = ["Good, good!", "bad", "Bad? good bad good ! !"]
    expected = [[2, 1, 2, 4], [3, 0, 0, 0], [3, 1, 2, 3]]
    assert ids(await client.post(PATH, json={"instances": texts})) == expected


async def test_a_plain_text_is_one_row(client, reviews):
    assert ids(await client.post(PATH, content="Good bád\n!".encode(), headers=PLAIN)) == [[2, 1, 4, 0]]


async def test_a_body_without_a_type_is_a_text_unless_it_begins_as_json(client, reviews):
    for content in (b"good bad", b'"good" bad'):
        assert ids(await client.post(PATH, content=content))[0][0] in {1, 2}
    assert ids(await client.post(PATH, content=b' {"instances": ["bad"]}')) == [[3, 0, 0, 0]]


async def test_wrong_texts_are_pointed_at(client, reviews):
    for instances, pointer, message in [
        (["good", " \t"], "/instances/1", "Expected at least one word"),
        (["good", 7], "/instances/1", "Expected a text, got the number 7"),
        ([["good"]], "/instances/0", "Expected a text, got a list of 1"),
        ("good", "/instances", "Expected a list of rows, got the text 'good'"),
        ([None], "/instances/0", "got null"),
    ]:
        answer = await client.post(PATH, json={"instances": instances})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
        assert message in answer.json()["detail"]


async def test_a_plain_text_that_is_none_is_refused(client, reviews):
    for content, status, message in [
        (b"\xff\xfe", 400, "UTF-8; byte 0 is not"),
        (b"", 422, "got an empty body"),
        (b" \n", 422, "at least one word"),
    ]:
        answer = await client.post(PATH, content=content, headers=PLAIN)
        assert answer.status_code == status, answer.text
        assert message in answer.json()["detail"]
    array = await client.post(PATH, content=b"\x93NUMPY")
    assert (array.status_code, array.headers["accept-post"]) == (415, "application/json, text/plain")


async def test_signs_that_are_no_unicode_are_refused_or_unknown_but_never_an_error(client, reviews):
    for content in (b'{"instances": ["\\ud800"]}', b'{"instances": ["\\u0000"]}', b'{"instances": ["\xff"]}'):
        assert (await client.post(PATH, content=content)).status_code in {200, 400, 422}
