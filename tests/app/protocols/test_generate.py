import asyncio
import json
import threading

import numpy as np
import pytest
from gated import until
from starlette.requests import ClientDisconnect

from app.protocols import streams
from app.protocols.generate import Generate
from app.serving.execution import Execution
from app.serving.generation import Generation, Language
from app.serving.loaded import load
from app.serving.sampling import Choice, Chooser

pytestmark = pytest.mark.anyio

PATH = "/api/v1/models/bard/generate"
LETTERS = "abcdefgh "


@pytest.fixture
def bard(registry, made, speller):
    """A published network of characters."""
    network = speller(LETTERS)
    network.version = registry.publish("bard", **network.artifact(made))
    return network


@pytest.fixture
def token_by_token(monkeypatch):
    """Let every slice be one token."""
    monkeypatch.setattr(streams, "SLICE_SECONDS", 0.0)


def events(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/event-stream"
    messages = answer.text.split("\n\n")
    assert messages.pop() == ""
    return [json.loads(message.removeprefix("data: ")) for message in messages]


def written(network, prompt, count):
    return "".join(network.vocabulary[token] for token in network.likeliest(prompt, count))


async def test_a_text_continues_its_prompt(client, bard):
    answer = await client.post(PATH, json={"prompt": "abc", "max_tokens": 50, "temperature": 0, "seed": 5})
    assert answer.json() == {
        "model": "bard",
        "version": 1,
        "job": bard.version.job_id,
        "text": written(bard, "abc", 50),
        "finish_reason": "length",
        "seed": 5,
        "usage": {"prompt_tokens": 3, "completion_tokens": 50, "total_tokens": 53},
    }
    assert answer.headers["x-keraforge-seed"] == "5"


async def test_a_seed_writes_the_same_text_again_and_none_writes_others(client, bard):
    asked = {"prompt": "a", "max_tokens": 40}
    asked["stop"] = None
    first, second = [(await client.post(PATH, json=asked)).json() for _ in range(2)]
    assert first["text"] != second["text"]
    assert len(first["text"]) == 40
    assert set(first["text"]) <= set(LETTERS)
    again = (await client.post(PATH, json={**asked, "seed": first["seed"]})).json()
    assert again == first


async def test_a_stream_has_the_text_in_pieces_and_then_the_whole(client, bard, token_by_token):
    asked = {"prompt": "ab", "max_tokens": 30, "seed": 1}
    whole = (await client.post(PATH, json=asked)).json()
    by_body = await client.post(PATH, json={**asked, "stream": True})
    by_header = await client.post(PATH, json=asked, headers={"accept": "text/event-stream"})
    for answer in (by_body, by_header):
        *deltas, last = events(answer)
        assert last == whole
        assert [delta["delta"] for delta in deltas] == list(whole["text"])


async def test_a_stream_of_plain_text_is_the_text_alone(client, bard):
    asked = {"prompt": "ab", "max_tokens": 30, "seed": 1, "stream": True}
    answer = await client.post(PATH, json=asked, headers={"accept": "text/plain"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (answer.headers["x-keraforge-seed"], answer.headers["x-keraforge-version"]) == ("1", "1")
    assert answer.text == (await client.post(PATH, json={**asked, "stream": False})).json()["text"]


async def test_a_stop_text_ends_the_answer_and_is_never_shown(client, bard, token_by_token):
    text = written(bard, "a", 60)
    stop = text[20:24]
    asked = {"prompt": "a", "max_tokens": 60, "temperature": 0, "stop": stop}
    whole = (await client.post(PATH, json=asked)).json()
    assert (whole["text"], whole["finish_reason"]) == (text[: text.index(stop)], "stop")
    assert whole["usage"]["completion_tokens"] == text.index(stop) + 4
    *deltas, last = events(await client.post(PATH, json={**asked, "stream": True}))
    assert "".join(delta["delta"] for delta in deltas) == last["text"] == whole["text"]
    # The first of several that comes ends it.
    several = (await client.post(PATH, json={**asked, "stop": ["zzz", stop, text[2:5]]})).json()
    assert several["text"] == text[: text.index(text[2:5])]


async def test_what_only_begins_like_a_stop_text_is_shown_at_the_end(client, bard, token_by_token):
    text = written(bard, "a", 30)
    asked = {"prompt": "a", "max_tokens": 30, "temperature": 0, "stream": True, "stop": text[-3:] + "z"}
    *deltas, last = events(await client.post(PATH, json=asked))
    assert (last["text"], last["finish_reason"]) == (text, "length")
    assert "".join(delta["delta"] for delta in deltas) == text


async def test_words_are_set_as_in_print(client, registry, made, speller):
    network = speller(["the", "cat", ",", "(", ")", "sat"], kind="word")
    registry.publish("bard", **network.artifact(made))
    asked = {"prompt": "the cat", "max_tokens": 40, "seed": 3, "temperature": 2}
    body = (await client.post(PATH, json=asked)).json()
    assert body["usage"] == {"prompt_tokens": 2, "completion_tokens": 40, "total_tokens": 42}
    for wrong in (" ,", " )", "( ", "thecat", "  "):
        assert wrong not in body["text"]
    # What follows a word begins with the space between.
    assert ("the cat" + body["text"]).split()[:2] == ["the", "cat" + body["text"].partition(" ")[0]]


async def test_what_is_not_known_of_a_prompt_counts_as_unknown(client, bard):
    body = (await client.post(PATH, json={"prompt": "aXb", "max_tokens": 9, "temperature": 0})).json()
    assert body["text"] == written(bard, ["a", "\ufffd", "b"], 9)
    assert body["usage"]["prompt_tokens"] == 3


async def test_many_texts_at_once_do_not_mix(client, bard, token_by_token):
    async def asked(letter):
        body = {"prompt": letter, "max_tokens": 100, "temperature": 0}
        return (await client.post(PATH, json=body)).json()["text"]

    texts = await asyncio.gather(*[asked(letter) for letter in LETTERS])
    assert texts == [written(bard, letter, 100) for letter in LETTERS]


@pytest.fixture
def alone(registry, bard):
    """What answers, without what stands before it; a function that says how many places are taken."""
    version = load(bard.version, registry.store)
    execution = Execution(workers=1)
    free = execution._places._value
    wire = Generate(version, version.roles["step"], version.signature.text, execution)
    yield wire, lambda: free - execution._places._value
    execution.close()


def received(leaves, **asked):
    """Make what hands over a body and then says that the client has left, if it does."""
    messages = [
        {"type": "http.request", "body": json.dumps({"prompt": "a", "max_tokens": 4096, **asked}).encode()}
    ]

    async def receive():
        if messages:
            return messages.pop()
        # Others have their turn between two slices; so has who leaves.
        await asyncio.sleep(0 if leaves else 60)
        return {"type": "http.disconnect"}

    return receive


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_gives_its_place_back(alone, token_by_token, stream):
    wire, taken = alone
    sent = []

    async def send(message):
        sent.append(message)

    with pytest.raises(ClientDisconnect):
        await wire.respond({"headers": []}, received(leaves=True, stream=stream), send)
    assert len(sent) < 20
    assert taken() == 0


async def test_a_client_that_takes_nothing_is_taken_for_gone(alone, token_by_token, monkeypatch):
    monkeypatch.setattr(streams, "STALLED_SECONDS", 0.05)
    wire, taken = alone
    sent = []

    async def send(message):
        sent.append(message)
        if len(sent) == 3:
            assert taken() == 1
            await asyncio.sleep(60)

    with pytest.raises(ClientDisconnect):
        await wire.respond({"headers": []}, received(leaves=False, stream=True), send)
    assert (len(sent), taken()) == (3, 0)


async def test_what_is_no_number_is_refused_before_a_stream_begins(client, registry, made, speller):
    network = speller(LETTERS)
    network.now[4:] = np.nan
    registry.publish("bard", **network.artifact(made))
    for stream in (False, True):
        answer = await client.post(PATH, json={"prompt": "cd", "stream": stream})
        assert (answer.status_code, answer.json()["code"]) == (422, "not_finite")


WRONG = [
    ({}, "/prompt", "required"),
    ({"prompt": ""}, "/prompt", "at least 1 character"),
    ({"prompt": "a" * 65_537}, "/prompt", "at most 65536 characters"),
    ({"prompt": ["a"]}, "/prompt", "valid string"),
    ({"prompt": 7}, "/prompt", "valid string"),
    ({"prompt": "a", "max_tokens": 0}, "/max_tokens", "greater than or equal to 1"),
    ({"prompt": "a", "max_tokens": 10**12}, "/max_tokens", "less than or equal to 4096"),
    ({"prompt": "a", "temperature": -0.1}, "/temperature", "greater than or equal to 0"),
    ({"prompt": "a", "temperature": "hot"}, "/temperature", "valid number"),
    ({"prompt": "a", "top_k": 0}, "/top_k", "greater than or equal to 1"),
    ({"prompt": "a", "top_p": 0}, "/top_p", "greater than 0"),
    ({"prompt": "a", "top_p": 1.1}, "/top_p", "less than or equal to 1"),
    ({"prompt": "a", "stop": ""}, "/stop", "at least 1 character"),
    ({"prompt": "a", "stop": ["b"] * 17}, "/stop", "at most 16 items"),
    ({"prompt": "a", "stop": ["b", None]}, "/stop/1", "valid string"),
    ({"prompt": "a", "stream": 1}, "/stream", "valid boolean"),
    ({"prompt": "a", "n": 2}, "/n", "no such field"),
]


async def test_what_cannot_be_written_is_pointed_at(client, bard):
    for body, pointer, message in WRONG:
        answer = await client.post(PATH, json=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
        assert message in answer.json()["detail"]
    assert (await client.post(PATH, content=b'{"prompt": "a", "top_p": NaN}')).status_code == 400
    assert (await client.post(PATH, json={"prompt": "a"}, headers={"accept": "image/png"})).status_code == 406


async def test_a_prompt_without_a_word_is_refused(client, registry, made, speller):
    registry.publish("bard", **speller(["the", "cat"], kind="word").artifact(made))
    answer = await client.post(PATH, json={"prompt": " \n "})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/prompt")
    assert "at least one word" in answer.json()["detail"]


async def test_texts_of_one_request_are_written_at_once(registry, bard):
    version = load(bard.version, registry.store)
    language, execution, gone = (
        Language(version, version.signature.text),
        Execution(workers=1),
        threading.Event(),
    )
    role = version.roles["step"]
    several = [
        Generation(language, role, [token], Chooser(Choice(seed=token)), max_tokens=60)
        for token in range(2, 8)
    ]
    all_stand_in_line = threading.Event()
    with execution.place() as place:
        held = asyncio.ensure_future(place.run(all_stand_in_line.wait))
        written = asyncio.ensure_future(streams.complete(several, place, gone))
        await until(lambda: version.statistics.pending == 6)
        all_stand_in_line.set()
        await asyncio.gather(held, written)
    # Runs are counted when a turn is over.
    await asyncio.to_thread(execution.close)
    assert [len(text.text) for text in several] == [60] * 6
    assert max(version.statistics.batches) == 6
