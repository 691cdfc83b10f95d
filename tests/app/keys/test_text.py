import pytest

from app.identifiers import new_id
from app.keys.text import digest_of, is_well_formed, new_key_text


def test_a_key_names_its_row_and_proves_its_spelling() -> None:
    key_id = new_id("key")
    text = new_key_text(key_id)
    prefix, identifier, secret = text.split("_")
    assert (prefix, f"key_{identifier}", len(secret)) == ("kf", key_id, 49)
    assert is_well_formed(text)


def test_no_two_keys_share_a_secret() -> None:
    secrets = {new_key_text("key_same").split("_")[2] for _ in range(100)}
    assert len(secrets) == 100
    # 256 bits fill 43 digits of 62: a weak source would leave digits unused.
    assert len(set("".join(secrets))) == 62


@pytest.mark.parametrize("position", [3, 10, 35, 60, 78])
def test_one_wrong_character_is_noticed(position: int) -> None:
    text = new_key_text("key_" + "0" * 26)
    wrong = "1" if text[position] != "1" else "2"
    assert not is_well_formed(text[:position] + wrong + text[position + 1 :])


@pytest.mark.parametrize(
    "text", ["", "kf_", "kf_a_b", "password", "kf_a_" + "x" * 49, "\0" * 80, "kf_é_" + "x" * 49]
)
def test_what_is_no_key_is_noticed(text: str) -> None:
    assert not is_well_formed(text)


def test_a_digest_tells_nothing_of_the_key() -> None:
    text = new_key_text("key_a")
    assert len(digest_of(text)) == 64
    assert digest_of(text) != digest_of(new_key_text("key_a"))
