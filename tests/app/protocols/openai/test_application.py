import json
import time
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

COMPLETIONS = "/v1/completions"


@pytest.fixture
def client(service) -> Iterator[httpx.Client]:
    """A client of the whole web process that may do nothing but predict."""
    with service.client("predict") as client:
        yield client


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
    assert response.headers["content-type"] == "text/event-stream"
    # Whatever stands between is to keep nothing back.
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["cache-control"] == "no-store"
    assert "content-encoding" not in response.headers
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def error(response, status):
    assert response.status_code == status, response.text
    told = response.json()["error"]
    assert told.keys() == {"message", "type", "param", "code"}
    return told["message"]


def test_the_likeliest_text_completes_a_prompt(client, writer):
    body = {"model": "tales", "prompt": "abc", "max_tokens": 9, "temperature": 0, "user": "ada"}
    answer = client.post(COMPLETIONS, json=body).json()
    (choice,) = answer["choices"]
    assert choice["text"] == texts(writer, writer.likeliest("abc", 9))
    assert (choice["finish_reason"], choice["logprobs"], choice["index"]) == ("length", None, 0)
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}
    assert (answer["object"], answer["model"]) == ("text_completion", "tales")
    assert answer["id"].startswith("cmpl-")
    assert 1_600_000_000 < answer["created"] <= time.time()
    assert answer.keys() == {"id", "object", "created", "model", "choices", "usage"}
    assert client.post(f"/openai{COMPLETIONS}", json=body).json()["choices"] == [choice]


def test_sixteen_tokens_are_written_where_nothing_is_said(client, writer):
    answer = client.post(COMPLETIONS, json={"model": "tales", "prompt": "abc"}).json()
    assert answer["usage"]["completion_tokens"] == 16


def test_the_least_share_of_probability_leaves_the_likeliest_text(client, writer):
    body = {"model": "tales", "prompt": "abc", "max_tokens": 9, "top_p": 1e-9}
    (choice,) = client.post(COMPLETIONS, json=body).json()["choices"]
    assert choice["text"] == texts(writer, writer.likeliest("abc", 9))


def test_a_prompt_counts_once_however_many_texts_it_has(client, writer):
    body = {"model": "tales", "prompt": ["ab", "abcd"], "n": 3, "max_tokens": 5}
    expected = {"prompt_tokens": 6, "completion_tokens": 30, "total_tokens": 36}
    assert client.post(COMPLETIONS, json=body).json()["usage"] == expected
    streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
    assert events(client.post(COMPLETIONS, json=streamed))[-1]["usage"] == expected


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings", "/openai/v1/files"])
def test_what_is_not_served_is_refused_in_a_form_that_clients_read(client, path):
    assert "nothing at this address" in error(client.post(path, json={}), 404)


def test_null_is_taken_for_what_was_not_sent(client, writer):
    body = {"model": "tales", "prompt": "abc", "seed": 3}
    nulls = dict.fromkeys(("max_tokens", "temperature", "n", "echo", "stop", "stream", "logprobs", "suffix"))
    found, expected = (client.post(COMPLETIONS, json=each).json() for each in (body | nulls, body))
    assert found["choices"] == expected["choices"]
    error(client.post(COMPLETIONS, json={**body, "prompt": None}), 422)


def test_several_prompts_and_several_texts_of_each_come_in_order(client, writer):
    body = {"model": "tales@1", "prompt": ["a", "b"], "n": 2, "seed": 3, "echo": True}
    choices = client.post(COMPLETIONS, json=body).json()["choices"]
    assert [(choice["index"], choice["text"][0]) for choice in choices] == [
        (0, "a"),
        (1, "a"),
        (2, "b"),
        (3, "b"),
    ]
    assert choices[0]["text"] != choices[1]["text"]
    assert client.post(COMPLETIONS, json=body).json()["choices"] == choices


def test_a_stream_tells_the_same_text_in_pieces(client, writer):
    body = {"model": "tales@champion", "prompt": "abc", "max_tokens": 60, "seed": 5}
    whole = client.post(COMPLETIONS, json=body).json()
    asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
    found = events(client.post(COMPLETIONS, json=asked))
    *pieces, last = found
    assert "".join(piece["choices"][0]["text"] for piece in pieces) == whole["choices"][0]["text"]
    assert [piece["choices"][0]["finish_reason"] for piece in pieces][-1] == "length"
    assert {piece["choices"][0]["finish_reason"] for piece in pieces[:-1]} == {None}
    assert all(piece.keys() == whole.keys() for piece in found)
    assert all(piece["choices"][0].keys() == whole["choices"][0].keys() for piece in pieces)
    assert {(piece["object"], piece["model"]) for piece in found} == {("text_completion", body["model"])}
    assert {piece["usage"] for piece in pieces} == {None}
    assert (last["choices"], last["usage"]) == ([], whole["usage"])
    assert len({(piece["id"], piece["created"]) for piece in found}) == 1


def test_texts_of_a_stream_are_written_and_told_together(client, writer):
    body = {"model": "tales", "prompt": ["a", "b"], "n": 2, "max_tokens": 900, "seed": 5, "echo": True}
    whole = client.post(COMPLETIONS, json=body).json()
    before = together(client)
    pieces = [each["choices"][0] for each in events(client.post(COMPLETIONS, json={**body, "stream": True}))]
    assert together(client) > before
    of_each = {index: [piece for piece in pieces if piece["index"] == index] for index in range(4)}
    for index, choice in enumerate(whole["choices"]):
        assert "".join(piece["text"] for piece in of_each[index]) == choice["text"]
        *others, last = [piece["finish_reason"] for piece in of_each[index]]
        assert (set(others), last) == ({None}, "length")


def test_what_goes_wrong_after_the_first_event_is_an_event(client, breaking):
    body = {"model": "tales", "prompt": "a", "max_tokens": 4000, "temperature": 0, "stream": True}
    *pieces, last = events(client.post(COMPLETIONS, json=body))
    assert {piece["choices"][0]["finish_reason"] for piece in pieces} == {None}
    assert last["error"].keys() == {"message", "type", "param", "code"}
    assert last["error"]["code"] == "not_finite"
    error(client.post(COMPLETIONS, json={**body, "stream": False}), 422)


def together(client):
    """How often four texts were taken a token further in one step."""
    (stats,) = client.get("/v2/models/tales/stats").json()["model_stats"]
    return sum(each["compute_infer"]["count"] for each in stats["batch_stats"] if each["batch_size"] == 4)


def test_a_text_that_ends_it_is_left_out(client, writer):
    likeliest = texts(writer, writer.likeliest("abc", 9))
    body = {"model": "tales", "prompt": "abc", "max_tokens": 9, "temperature": 0, "stop": likeliest[4:6]}
    (choice,) = client.post(COMPLETIONS, json=body).json()["choices"]
    end = likeliest.index(likeliest[4:6])
    assert (choice["text"], choice["finish_reason"]) == (likeliest[:end], "stop")


def test_probabilities_of_tokens_are_told(client, writer):
    body = {"model": "tales", "prompt": "abc", "max_tokens": 2, "temperature": 0, "logprobs": 3}
    found = client.post(COMPLETIONS, json=body).json()["choices"][0]["logprobs"]
    ids = [writer.vocabulary.index(letter) for letter in "abc"]
    logits = writer.logits(ids)[2:].astype(float)
    expected = logits - np.log(np.exp(logits).sum())
    assert found["tokens"][0] == writer.vocabulary[2 + int(logits.argmax())]
    assert found["token_logprobs"][0] == pytest.approx(expected.max(), abs=1e-4)
    assert sorted(found["top_logprobs"][0].values()) == pytest.approx(sorted(expected)[-3:], abs=1e-4)
    assert found["text_offset"] == [0, 1]


def test_the_list_of_models_suits_every_client(client, registry, writer):
    registry.publish(seed=1)
    for path in ("/v1/models", "/openai/v1/models"):
        found = client.get(path).json()
        assert found.keys() == {"object", "data", "models"}
        assert {each["owned_by"] for each in found["data"]} == {"keraforge"}
        assert (found["object"], found["models"]) == ("list", ["digits", "tales"])
        assert [(each["id"], each["object"]) for each in found["data"]] == [
            ("digits", "model"),
            ("tales", "model"),
        ]
    one = client.get("/openai/v1/models/tales").json()
    assert one == found["data"][1]
    assert one["created"] > 1_600_000_000
    error(client.get("/openai/v1/models/none"), 404)


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"model": "none"}, 404, "none"),
        ({"model": "tales@9"}, 404, "9"),
        ({"model": "digits"}, 400, "does not write text"),
        ({"prompt": ""}, 422, "prompt"),
        ({"prompt": [1, 2]}, 422, "prompt"),
        ({"max_tokens": 0}, 422, "max_tokens"),
        ({"max_tokens": 4096, "n": 2}, 400, "4096 tokens in all choices"),
        ({"temperature": -1}, 422, "temperature"),
        ({"n": 1000}, 422, "n"),
    ],
)
def test_wrong_requests_are_told_as_openai_tells_them(client, registry, writer, change, status, text):
    registry.publish(seed=1)
    body = {"model": "tales", "prompt": "abc", **change}
    assert text in error(client.post(COMPLETIONS, json=body), status)
