import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from models.reports import generation
from models.reports.report import Examined, Report
from models.roles import PlayedRole
from models.rows import Rows
from models.schema import DatasetSchema, TextSchema
from models.signature import TensorSignature
from models.specs.text_generator import TextGeneratorSpec
from models.specs.training import TrainingSpec
from models.tensor_names import NEVER

VOCABULARY = ["", "\ufffd", "a", "b", "c"]
CHARACTERS = TextSchema(tokens="character", vocabulary=5)
# After a: b in three of four cases, else c. After anything else: a, for certain.
AFTER_A = [0.0, 0.0, 0.0, 0.75, 0.25]
TEXTS = np.array([[2, 3, 2, 3, 2, 4], [2, 3, 2, 0, 0, 0], [2, 3, 2, 3, 2, 3]], np.int32)


def step(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Answer as a network would that has learnt these probabilities; the state counts tokens."""
    after_a = (inputs["token"] == 2)[:, None]
    probabilities = np.where(after_a, AFTER_A, [0.0, 0.0, 1.0, 0.0, 0.0])
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(probabilities), NEVER).astype(np.float32)
    return {"logits": logits, "next_state_1": inputs["state_1"] + 1}


def examined(x: np.ndarray, text: TextSchema = CHARACTERS) -> Examined:
    tensors = (
        TensorSignature(name="token", dtype="int32", shape=()),
        TensorSignature(name="state_1", dtype="float32", shape=(1,)),
    )
    none = np.array([], np.int64)
    return Examined(
        spec=TextGeneratorSpec(),
        training=TrainingSpec(),
        schema=DatasetSchema(
            kind="text", rows=len(x), test_rows=len(x), shape=x.shape[1:], dtype="int32", text=text
        ),
        rows=Rows(x, np.zeros(len(x), np.int64), none, none, np.arange(len(x))),
        roles={"step": PlayedRole("step", dict, tensors, (), dict)},
        serve={"step": step},
        epochs=[{"epoch": 1, "loss": 1.0, "accuracy": 0.5}],
        vocabulary=VOCABULARY,
    )


@pytest.fixture(scope="module")
def report() -> Report:
    return generation.report(examined(TEXTS))


def test_entropies_are_means_over_the_tokens_that_are_no_padding(report: Report) -> None:
    # Twelve tokens after a first one: b six times, c once, and five times a, which was certain.
    nats = -(6 * math.log(0.75) + math.log(0.25)) / 12
    assert report.content["tokens"] == 12
    assert report.metrics["loss"] == pytest.approx(nats)
    assert report.metrics["bits_per_character"] == pytest.approx(nats / math.log(2))
    assert report.metrics["perplexity"] == pytest.approx(math.exp(nats))
    assert report.metrics["accuracy"] == pytest.approx(11 / 12)


def test_rows_that_do_not_fit_into_one_batch_count_alike(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "LOGITS", 10)
    again = generation.report(examined(TEXTS))
    assert again.metrics == pytest.approx(report.metrics)


def test_of_very_many_rows_some_are_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "MOST_TOKENS", 12)
    content = generation.report(examined(TEXTS)).content
    assert content["rows"] == 2
    assert content["tokens"] == 10


def test_samples_go_on_from_rows_and_write_no_padding(report: Report) -> None:
    samples = report.content["samples"]
    assert {sample["temperature"] for sample in samples} == set(generation.TEMPERATURES)
    for sample in samples:
        assert sample["prompt"] == "aba"
        assert len(sample["text"]) == 200
        assert set(sample["text"]) <= set("abc")
        assert all(sign == "a" for sign in sample["text"][1::2])


def test_the_same_order_writes_the_same_samples(report: Report) -> None:
    assert generation.report(examined(TEXTS)).content == report.content


def test_what_was_written_on_the_way_is_told_epoch_by_epoch() -> None:
    content = generation.report(replace(examined(TEXTS), snapshots={2: "ab", 1: "bb"})).content
    assert content["samples_by_epoch"] == [{"epoch": 1, "text": "bb"}, {"epoch": 2, "text": "ab"}]


def test_samples_stand_in_the_card_as_text_that_is_no_markup(report: Report) -> None:
    assert any(line.startswith("    [aba] ") for line in report.card)
    assert all(not line or line.startswith("    ") or line.endswith(":") for line in report.card)


def test_words_are_told_in_bits_for_each_token() -> None:
    words = TextSchema(tokens="word", vocabulary=5)
    report = generation.report(examined(TEXTS, words))
    assert "bits_per_token" in report.metrics
    assert len(report.content["samples"][0]["text"].split()) == 50
