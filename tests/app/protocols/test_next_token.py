import numpy as np
import pytest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/models/bard/predict"
LETTERS = "abcdefghijklmn"


@pytest.fixture
def bard(registry, made, speller):
    network = speller(LETTERS)
    network.version = registry.publish("bard", **network.artifact(made))
    return network


def probabilities(network, text):
    logits = network.logits([network.vocabulary.index(token) for token in text])[2:]
    shares = np.exp(logits - logits.max())
    return dict(zip(LETTERS, shares / shares.sum(), strict=True))


async def test_the_likeliest_next_tokens_of_each_text_are_told(client, bard):
    answer = (await client.post(PATH, json={"instances": ["abc", "b"]})).json()
    assert (answer["model"], answer["version"], answer["job"]) == ("bard", 1, bard.version.job_id)
    for text, row in zip(["abc", "b"], answer["predictions"], strict=True):
        expected = probabilities(bard, text)
        best = sorted(expected, key=expected.get, reverse=True)[:10]
        assert [each["label"] for each in row["top"]] == best
        np.testing.assert_allclose(
            [each["probability"] for each in row["top"]], [expected[each] for each in best], rtol=1e-4
        )
        assert (row["label"], row["probability"]) == (best[0], row["top"][0]["probability"])


async def test_so_many_tokens_are_told_as_are_asked_for(client, bard):
    for asked in (1, 14):
        answer = await client.post(f"{PATH}?top_k={asked}", json={"instances": ["a"]})
        assert len(answer.json()["predictions"][0]["top"]) == asked
    for asked in ("0", "15", "many"):
        answer = await client.post(f"{PATH}?top_k={asked}", json={"instances": ["a"]})
        assert answer.status_code == 422
        assert "from 1 to 14" in answer.json()["detail"]


async def test_a_plain_text_is_one_row(client, bard):
    plain = await client.post(PATH, content=b"abc", headers={"content-type": "text/plain"})
    assert plain.json() == (await client.post(PATH, json={"instances": ["abc"]})).json()


async def test_wrong_texts_are_pointed_at(client, bard):
    for instances, pointer, message in [
        ([], "/instances", "at least one row"),
        (["a", ""], "/instances/1", "at least one character"),
        (["a", 7], "/instances/1", "Expected a text, got the number 7"),
        ("a", "/instances", "Expected a list"),
        (["a" * 60_000, "b" * 6_000], "/instances/1", "at most 65,536 tokens"),
    ]:
        answer = await client.post(PATH, json={"instances": instances})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert message in answer.json()["detail"]
    picture = await client.post(PATH, content=b"\x89PNG", headers={"content-type": "image/png"})
    assert (picture.status_code, picture.headers["accept-post"]) == (415, "application/json, text/plain")


async def test_texts_that_were_asked_about_are_counted(client, engine, bard):
    assert (await client.post(PATH, json={"instances": ["abc", "b"]})).status_code == 200
    (statistics,) = engine.statistics
    assert (statistics.succeeded, statistics.rows, statistics.executions) == (1, 2, 4)
