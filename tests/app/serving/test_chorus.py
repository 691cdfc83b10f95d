import asyncio
import contextlib
import threading

import numpy as np
import pytest

from app.errors import Invalid
from app.serving.execution import Execution
from app.serving.generation import Generation, Language
from app.serving.loaded import load
from app.serving.sampling import Choice, Chooser, choose
from app.serving.stage import MOST, SIZES, Stage

pytestmark = pytest.mark.anyio

LETTERS = "abcdefgh "


@pytest.fixture
def bard(registry, made, speller):
    """A loaded version that writes, and its network."""
    network = speller(LETTERS)
    version = load(registry.publish("bard", **network.artifact(made)), registry.store)
    version.network = network
    return version


@pytest.fixture
def execution():
    execution = Execution(workers=1)
    yield execution
    execution.close()


def texts(version, count, max_tokens=None):
    """Return texts that differ in their prompts, their choices, and their lengths."""
    language, rng = Language(version, version.signature.text), np.random.default_rng(count)
    for number in range(count):
        prompt = rng.integers(2, 2 + len(LETTERS), 1 + number % 7).tolist()
        choice = Choice(
            temperature=[0.0, 0.7, 1.0, 3.0][number % 4],
            top_k=[None, None, 3][number % 3],
            top_p=[1.0, 1.0, 1.0, 1.0, 0.8][number % 5],
            seed=number,
        )
        yield Generation(
            language,
            version.roles["step"],
            prompt,
            Chooser(choice),
            max_tokens=max_tokens or 5 + 3 * number,
            stop=["abc"] if number % 2 else (),
        )


def alone(text):
    stage = Stage(text.role)
    stage.enter(text)
    while not text.is_over:
        stage.step()
    return text


async def read(place, text, seconds=0.0):
    async with contextlib.aclosing(place.write(text, seconds, threading.Event())) as pieces:
        return [piece async for piece in pieces]


@pytest.mark.parametrize("count", [1, 2, 9, MOST + 3])
async def test_texts_written_together_are_those_written_alone(bard, execution, count):
    expected = [alone(text) for text in texts(bard, count)]
    together = list(texts(bard, count))
    with execution.place() as place:
        pieces = await asyncio.gather(
            *[read(place, text, 0.001 * (number % 3)) for number, text in enumerate(together)]
        )
    for text, single, told in zip(together, expected, pieces, strict=True):
        assert (text.text, text.finish_reason) == (single.text, single.finish_reason)
        assert text.completion_tokens == single.completion_tokens
        assert "".join(told) == text.text
    statistics = bard.statistics
    assert statistics.texts == statistics.succeeded == count
    assert statistics.tokens == sum(text.completion_tokens for text in together)
    assert statistics.pending == 0


async def test_texts_share_the_runs_of_the_graph(bard, execution):
    with execution.place() as place:
        await asyncio.gather(*[read(place, text, 0.05) for text in texts(bard, 8, max_tokens=200)])
    # Runs are counted when a turn is over.
    await asyncio.to_thread(execution.close)
    steps = sum(rows * batch.count for rows, batch in bard.statistics.batches.items())
    assert steps > 1.5 * bard.statistics.executions


def test_a_text_may_rest_and_go_on_elsewhere(bard):
    whole, resting = (next(iter(texts(bard, 1, max_tokens=40))) for _ in range(2))
    alone(whole)
    for _ in range(4):
        stage = Stage(bard.roles["step"])
        others = list(texts(bard, 5, max_tokens=1000))
        for text in (others[0], resting, *others[1:]):
            stage.enter(text)
        for _ in range(10):
            stage.step()
        if resting.is_over:
            break
        # The last one takes its row.
        stage.leave(resting)
        stage.step()
        stage.leave(others[0])
        stage.close()
    assert resting.text == whole.text[: len(resting.text)]
    assert len(resting.text) >= 30


def test_a_stage_has_a_size_for_every_number_of_texts():
    assert list(SIZES) == sorted(SIZES)
    assert SIZES[-1] == MOST


async def test_a_reader_who_leaves_ends_the_text_with_the_next_token(bard, execution):
    gone = threading.Event()
    (text,) = texts(bard, 1, max_tokens=10**6)
    with execution.place() as place:
        async with contextlib.aclosing(place.write(text, 0.0, gone)) as pieces:
            async for _ in pieces:
                gone.set()
    assert text.completion_tokens < 10
    assert text.finish_reason is None
    assert bard.statistics.failures["cancelled"] == 1


async def test_a_reader_who_takes_nothing_gets_nothing_written(bard, execution):
    (text,) = texts(bard, 1, max_tokens=10**6)
    with execution.place() as place:
        async with contextlib.aclosing(place.write(text, 0.0, threading.Event())) as pieces:
            await anext(pieces)
            written = -1
            while written != text.completion_tokens:
                written = text.completion_tokens
                await asyncio.sleep(0.05)
    assert written < 10


async def test_nobody_waits_for_a_text_after_the_end(bard, execution):
    (text,) = texts(bard, 1, max_tokens=10**6)
    with execution.place() as place:
        reading = asyncio.create_task(read(place, text, 1000.0))
        async with asyncio.timeout(30):
            while not text.completion_tokens:
                await asyncio.sleep(0.001)
        await asyncio.to_thread(execution.close)
        with pytest.raises(asyncio.CancelledError):
            await reading


async def test_what_is_no_number_ends_only_the_text_that_it_came_to(registry, made, speller, execution):
    network = speller(LETTERS)
    network.now[5] = np.nan
    version = load(registry.publish("bard", **network.artifact(made)), registry.store)
    language = Language(version, version.signature.text)

    def text(token):
        return Generation(language, version.roles["step"], [token], Chooser(Choice(seed=1)), max_tokens=1)

    with execution.place() as place:
        reading = [read(place, text(token)) for token in (4, 5, 6)]
        answers = await asyncio.gather(*reading, return_exceptions=True)
    assert isinstance(answers[1], Invalid)
    assert ["".join(answer) != "" for answer in (answers[0], answers[2])] == [True, True]
    assert (version.statistics.texts, version.statistics.failures["failed"]) == (2, 1)


async def test_whoever_comes_after_a_text_that_broke_is_written_for(bard, execution):
    class Broken(Exception):
        pass

    def tell(*_):
        raise Broken

    language = Language(bard, bard.signature.text)
    broken = Generation(language, bard.roles["step"], [2], Chooser(Choice(seed=1)), max_tokens=3, told=tell)
    (text,) = texts(bard, 1)
    with execution.place() as place:
        async with asyncio.timeout(30):
            with pytest.raises(Broken):
                await read(place, broken)
            assert await read(place, text)
    assert text.is_over
    assert (bard.statistics.failures["failed"], bard.statistics.pending) == (1, 0)


@pytest.mark.parametrize(
    "choice", [Choice(), Choice(0.3), Choice(0), Choice(2.0, top_k=4), Choice(top_p=0.7)]
)
def test_tokens_chosen_together_are_those_chosen_alone(choice):
    logits = np.random.default_rng(2).normal(size=(50, 7, 30)).astype(np.float32) * 3
    seeds = range(7)
    together, single = ([Chooser(Choice(**{**vars(choice), "seed": seed})) for seed in seeds] for _ in "ab")
    for each in logits:
        assert choose(together, each) == [
            chooser.next(row) for chooser, row in zip(single, each, strict=True)
        ]
