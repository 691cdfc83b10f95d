"""NVIDIA's client of Triton, as it is: blocking and awaiting, bytes and JSON, packed and plain."""

import numpy as np
import pytest

triton = pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")
aio = pytest.importorskip("tritonclient.http.aio", reason="tritonclient[http] is not installed")
Refused = triton.InferenceServerException


@pytest.fixture(scope="module")
def client(served):
    with triton.InferenceServerClient(served.address) as client:
        yield client


@pytest.fixture
def headers(served):
    """The client's own header option; a new one each time, for it writes into what it is given."""
    return lambda: {"Authorization": f"Bearer {served.key}"}


def image(rows, datatype="FP32", **options):
    found = triton.InferInput("image", rows.shape, datatype)
    found.set_data_from_numpy(rows, **options)
    return [found]


def wanted(**options):
    return [triton.InferRequestedOutput("probabilities", **options)]


def check(answer, served, seed=1):
    np.testing.assert_allclose(answer.as_numpy("probabilities"), served.expected(seed), atol=1e-6)


def test_the_server_says_what_it_is(client, headers):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert "binary_tensor_data" in client.get_server_metadata(headers())["extensions"]
    assert client.get_model_metadata("digits", headers=headers())["versions"] == ["1", "2"]
    assert client.get_model_metadata("digits", "blue", headers=headers())["versions"] == ["1", "2"]
    config = client.get_model_config("digits", headers=headers())
    assert (config["name"], config["input"][0]["dims"]) == ("digits", [8, 8, 1])
    assert client.is_model_ready("digits", headers=headers())
    assert client.is_model_ready("digits", "2", headers=headers())
    assert not client.is_model_ready("none", headers=headers())


def test_bytes_go_and_come_where_nothing_else_is_said(client, headers, served):
    answer = client.infer("digits", image(served.rows), headers=headers())
    check(answer, served)
    assert "parameters" in answer.get_output("probabilities")
    assert (answer.get_response()["model_name"], answer.get_response()["model_version"]) == ("digits", "2")


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("answered", [True, False])
def test_bytes_and_json_mix(client, headers, served, sent, answered):
    inputs, outputs = image(served.rows, binary_data=sent), wanted(binary_data=answered)
    answer = client.infer("digits", inputs, outputs=outputs, headers=headers())
    check(answer, served)
    assert ("data" in answer.get_output("probabilities")) is not answered


@pytest.mark.parametrize("packed", ["gzip", "deflate"])
def test_bodies_may_be_packed_either_way(client, headers, served, packed):
    answer = client.infer(
        "digits",
        image(served.rows),
        headers=headers(),
        request_compression_algorithm=packed,
        response_compression_algorithm=packed,
    )
    check(answer, served)
    plain = client.infer(
        "digits", image(served.rows), headers=headers(), response_compression_algorithm=packed
    )
    check(plain, served)


def test_everything_that_can_be_said_of_a_request_is_taken(client, headers, served):
    answer = client.infer(
        "digits",
        image(served.rows),
        model_version="blue",
        request_id="r-7",
        priority=1,
        timeout=5_000_000,
        parameters={"who": "ada"},
        query_params={"trace": 1},
        headers=headers(),
    )
    check(answer, served, seed=2)
    assert answer.get_response()["id"] == "r-7"


def test_classes_are_told_by_score_index_and_label(client, headers, served):
    answer = client.infer("digits", image(served.rows), outputs=wanted(class_count=2), headers=headers())
    best = answer.as_numpy("probabilities")
    assert best.shape == (3, 2)
    score, index, label = best[0, 0].decode().split(":")
    expected = served.expected()[0]
    assert (int(index), label) == (expected.argmax(), ("zero", "one", "two")[expected.argmax()])
    assert float(score) == pytest.approx(expected.max(), abs=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float64])
def test_numbers_of_any_datatype_are_taken(client, headers, served, dtype):
    rows = served.rows.astype(dtype)
    check(client.infer("digits", image(rows, triton_name(dtype)), headers=headers()), served)


def triton_name(dtype):
    return {np.uint8: "UINT8", np.int64: "INT64", np.float16: "FP16", np.float64: "FP64"}[dtype]


def test_several_requests_are_on_their_way_at_once(client, headers, served):
    waiting = [client.async_infer("digits", image(served.rows), headers=headers()) for _ in range(4)]
    for each in waiting:
        check(each.get_result(), served)


def test_models_are_unloaded_loaded_and_counted(client, headers, served, until):
    served.registry.publish("spare", seed=3)
    until(lambda: client.is_model_ready("spare", headers=headers()), "a new model")
    client.unload_model("spare", headers=headers())
    assert not client.is_model_ready("spare", headers=headers())
    index = {each["name"]: each["state"] for each in client.get_model_repository_index(headers=headers())}
    assert (index["spare"], index["tales"]) == ("UNAVAILABLE", "READY")
    client.load_model("spare", headers=headers())
    assert client.is_model_ready("spare", headers=headers())
    check(client.infer("spare", image(served.rows), headers=headers()), served, seed=3)
    (told,) = client.get_inference_statistics("spare", headers=headers())["model_stats"]
    assert (told["version"], told["inference_count"], told["execution_count"]) == ("1", 3, 1)
    everything = client.get_inference_statistics(headers=headers())["model_stats"]
    assert "spare" in [each["name"] for each in everything]
    with pytest.raises(Refused, match="failed to load"):
        client.load_model("none", headers=headers())


def test_what_is_wrong_is_told_in_the_servers_own_words(client, headers, served):
    with pytest.raises(Refused, match="Request for unknown model") as caught:
        client.infer("none", image(served.rows), headers=headers())
    assert caught.value.status() == "404"
    with pytest.raises(Refused, match=r"expected the shape \[-1, 8, 8, 1\]"):
        client.infer("digits", image(served.rows[:, :4]), headers=headers())
    with pytest.raises(Refused, match="key"):
        client.infer("digits", image(served.rows))
    for refused in (client.get_trace_settings, client.get_log_settings, client.get_cuda_shared_memory_status):
        with pytest.raises(Refused, match="nothing at this address"):
            refused(headers=headers())


async def _awaited(served):
    async with aio.InferenceServerClient(served.address) as client:
        headers = {"Authorization": f"Bearer {served.key}"}
        assert await client.is_server_live()
        assert await client.is_model_ready("digits", headers=dict(headers))
        for packed in (None, "gzip", "deflate"):
            answer = await client.infer(
                "digits",
                image(served.rows),
                headers=dict(headers),
                request_compression_algorithm=packed,
                response_compression_algorithm=packed,
            )
            check(answer, served)
        plain = await client.infer(
            "digits", image(served.rows, binary_data=False), outputs=wanted(), headers=dict(headers)
        )
        check(plain, served)
        with pytest.raises(Refused, match="Request for unknown model"):
            await client.infer("none", image(served.rows), headers=dict(headers))


@pytest.mark.anyio
async def test_the_awaiting_client_is_answered_the_same(served):
    await _awaited(served)
