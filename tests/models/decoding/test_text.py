import numpy as np
import pytest

from models.decoding.text import RESERVED_TOKENS, decode, encode, ids_of, tokens_of
from models.schema import TextSchema

WORDS = TextSchema(tokens="word", vocabulary=6, lowercase=True)
CHARACTERS = TextSchema(tokens="character", vocabulary=6)
VOCABULARY = [*RESERVED_TOKENS, "the", "cat", ",", "sat"]


def test_words_and_signs_are_tokens_and_spaces_are_none() -> None:
    assert tokens_of("The  cat,\n it's 3.5!", WORDS) == [
        *("the", "cat", ",", "it", "'", "s", "3", ".", "5", "!")
    ]


def test_every_character_is_a_token() -> None:
    assert tokens_of("A b\n", CHARACTERS) == ["A", " ", "b", "\n"]


def test_one_letter_in_two_spellings_is_one_token() -> None:
    assert tokens_of("cafe\u0301", CHARACTERS) == tokens_of("caf\u00e9", CHARACTERS) == list("caf\u00e9")
    lowered = tokens_of("CAFE\u0301", TextSchema(tokens="word", vocabulary=3, lowercase=True))
    assert lowered == ["caf\u00e9"]


def test_texts_become_ids_cut_and_padded_at_the_end() -> None:
    ids = encode(["The cat sat", "a cat, a", ""], ids_of(VOCABULARY), WORDS, 3)
    assert ids.dtype == np.int32
    assert ids.tolist() == [[2, 3, 5], [1, 3, 4], [0, 0, 0]]


def test_what_names_no_token_is_unknown() -> None:
    assert encode(["\ufffd"], ids_of(VOCABULARY), CHARACTERS, 1).tolist() == [[1]]


@pytest.mark.parametrize("text", ["the cat, the cat", "the, cat sat"])
def test_ids_become_the_text_again(text: str) -> None:
    assert decode(encode([text], ids_of(VOCABULARY), WORDS, 9)[0], VOCABULARY, WORDS) == text


def test_unknown_tokens_are_shown_as_such() -> None:
    assert decode([1, 2, 0], VOCABULARY, WORDS) == "\ufffd the"
    assert decode([2, 1], ["", "\ufffd", "a"], CHARACTERS) == "a\ufffd"
