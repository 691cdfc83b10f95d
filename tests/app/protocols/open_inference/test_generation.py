import gzip
import json

import pytest
from tensors import error

GENERATE = "/v2/models/tales/generate"
STREAM = f"{GENERATE}_stream"


@pytest.fixture
def writer(registry, made, speller):
    """A network that writes text, published as ``tales``."""
    network = speller("abcdef ")
    registry.publish("tales", **network.artifact(made))
    return network


def texts(network, ids):
    return "".join(network.vocabulary[token] for token in ids)


def events(response):
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["x-accel-buffering"] == "no"
    lines = response.text.split("\n\n")
    assert lines.pop() == ""
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.mark.parametrize(
    "more", [{"max_tokens": 9, "temperature": 0}, {"parameters": {"max_tokens": 9, "temperature": 0}}]
)
def test_a_text_is_continued(client, writer, more):
    answer = client.post(GENERATE, json={"id": "t-1", "text_input": "abc", "unknown": [1], **more})
    assert answer.json() == {
        "id": "t-1",
        "model_name": "tales",
        "model_version": "1",
        "text_output": texts(writer, writer.likeliest("abc", 9)),
    }
    assert answer.headers["x-keraforge-version"] == "1"


def test_no_id_is_made_up_and_null_parameters_are_none(client, writer):
    answer = client.post(GENERATE, json={"text_input": "abc", "parameters": None}).json()
    assert list(answer) == ["model_name", "model_version", "text_output"]


def test_parameters_under_their_name_have_the_last_word(client, writer):
    body = {"text_input": "abc", "max_tokens": 3, "parameters": {"max_tokens": 5}}
    assert len(client.post(GENERATE, json=body).json()["text_output"]) == 5


def test_a_stream_tells_the_same_text_in_pieces(client, writer):
    body = {"id": "t-2", "text_input": "abc", "max_tokens": 300, "seed": 5}
    whole = client.post(GENERATE, json=body).json()["text_output"]
    found = events(client.post("/v2/models/tales/versions/1/generate_stream", json=body))
    assert "".join(each["text_output"] for each in found) == whole
    assert {(each["id"], each["model_name"], each["model_version"]) for each in found} == {
        ("t-2", "tales", "1")
    }


def test_what_curl_sends_is_not_asked_for_its_type_and_may_be_packed(client, writer):
    text = json.dumps({"text_input": "abc", "max_tokens": 2, "seed": 1}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    plain = client.post(GENERATE, content=text, headers=headers).json()
    packed = client.post(GENERATE, content=gzip.compress(text), headers={"Content-Encoding": "gzip"}).json()
    assert plain == packed


@pytest.mark.parametrize("address", [GENERATE, STREAM])
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "cannot be read"),
        ({}, "Expected 'text_input'"),
        ({"text_input": 1}, "Expected 'text_input'"),
        ({"text_input": ""}, "text_input: "),
        ({"text_input": "a", "id": 1}, "'id' must be a string"),
        (b'{"text_input": "a", "id": "\\udfff", "x": NaN}', "'id' must be a string"),
        ({"text_input": "a", "parameters": [1]}, "'parameters' must be an object"),
        ({"text_input": "a", "max_tokens": 0}, "max_tokens: "),
        ({"text_input": "a", "parameters": {"temperature": "warm"}}, "temperature: "),
        ({"text_input": "a", "stop": [""]}, "stop: "),
    ],
)
def test_wrong_requests_are_answered_before_a_stream_begins(client, writer, address, body, text):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(address, content=content)
    assert answer.headers["content-type"] == "application/json"
    assert text in error(answer)


def test_what_goes_wrong_after_the_first_event_is_an_event(client, breaking):
    asked = {"text_input": "a", "max_tokens": 4000, "temperature": 0}
    *pieces, last = events(client.post(STREAM, json=asked))
    assert pieces
    assert all(set("a") == set(piece["text_output"]) for piece in pieces)
    assert last == {"error": "The network's answer is not a finite number."}
    # Where nothing has been said yet, it is an error like any other.
    answer = client.post(GENERATE, json=asked)
    assert (answer.is_error, answer.json()) == (True, last)


def test_what_writes_no_text_says_so(client, registry):
    registry.publish()
    for question in ("generate", "generate_stream"):
        answer = client.post(f"/v2/models/digits/{question}", json={"text_input": "a"})
        assert "does not write text" in error(answer)
    assert error(client.get("/v2/models/digits/generate"), 405)
