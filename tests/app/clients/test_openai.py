"""OpenAI's own client, as it is."""

import httpx
import pytest

openai = pytest.importorskip("openai", reason="openai is not installed")


@pytest.fixture(scope="module")
def client(served):
    # Without TLS there is nothing to verify, and loading the certificates is slow.
    with (
        httpx.Client(verify=False) as http,
        openai.OpenAI(
            base_url=f"{served.url}/v1", api_key=served.key, http_client=http, max_retries=0
        ) as client,
    ):
        yield client


def test_a_prompt_is_completed(client, served):
    answer = client.completions.create(model="tales", prompt="abc", max_tokens=9, temperature=0)
    assert answer.choices[0].text == served.written("abc", 9)
    assert answer.choices[0].finish_reason == "length"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 9)


def test_a_stream_tells_the_same_text(client):
    asked = {"model": "tales@champion", "prompt": "abc", "max_tokens": 60, "seed": 5}
    whole = client.completions.create(**asked).choices[0].text
    pieces = list(client.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(piece.choices[0].text for piece in pieces[:-1]) == whole
    assert pieces[-1].usage.completion_tokens == 60


def test_choices_probabilities_and_ends_are_told(client, served):
    answer = client.completions.create(
        model="tales@1", prompt=["a", "b"], n=2, max_tokens=5, temperature=0, logprobs=2, echo=True
    )
    assert [choice.text for choice in answer.choices] == [
        prompt + served.written(prompt, 5) for prompt in ("a", "a", "b", "b")
    ]
    assert len(answer.choices[0].logprobs.tokens) == 5
    likeliest = served.written("abc", 9)
    stopped = client.completions.create(
        model="tales", prompt="abc", max_tokens=9, temperature=0, stop=[likeliest[3:6]]
    )
    assert stopped.choices[0].finish_reason == "stop"
    assert stopped.choices[0].text == likeliest[: likeliest.index(likeliest[3:6])]


def test_models_are_listed_and_found(client, served):
    assert [model.id for model in client.models.list()] == ["digits", "tales"]
    elsewhere = client.with_options(base_url=f"{served.url}/openai/v1")
    assert elsewhere.models.retrieve("tales").owned_by == "keraforge"


def test_what_is_wrong_is_told_as_openai_tells_it(client, served):
    with pytest.raises(openai.NotFoundError, match="none") as caught:
        client.completions.create(model="none", prompt="a")
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="does not write text"):
        client.completions.create(model="digits", prompt="a")
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="kf_wrong").completions.create(model="tales", prompt="a")


@pytest.mark.anyio
async def test_the_awaiting_client_streams_too(served):
    async with (
        httpx.AsyncClient(verify=False) as http,
        openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key=served.key, http_client=http) as client,
    ):
        stream = await client.completions.create(
            model="tales", prompt="abc", max_tokens=9, temperature=0, stream=True
        )
        assert "".join([piece.choices[0].text async for piece in stream]) == served.written("abc", 9)
