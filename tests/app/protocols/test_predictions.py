import numpy as np
import pytest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/models/thing/predict"
ROWS = [[1.0, 2.0], [3.0, 4.0]]
EXAMPLES = {"predict": {"vector": np.array(ROWS, np.float32)}}


def answering(made, outputs):
    """Make a role that answers a vector of two with sums of it, as the weights of each output say."""
    shapes = {name: np.shape(weights)[1:] for name, weights in outputs.items()}
    role = made.role("predict", {"vector": (2,)}, shapes)
    for name, weights in outputs.items():
        role.node("MatMul", ["vector", role.constant(np.array(weights, np.float32))], [name])
    return role


async def test_one_value_is_told_as_a_value(client, registry, made):
    role = answering(made, {"values": [[1], [10]]})
    registry.publish("thing", **made.artifact([role], EXAMPLES, task="regression", targets=("price",)))
    answer = (await client.post(PATH, json={"instances": ROWS})).json()
    assert answer["predictions"] == [{"value": 21}, {"value": 43}]
    assert answer["targets"] == ["price"]
    assert "labels" not in answer


async def test_several_values_are_told_in_the_order_of_the_targets(client, registry, made):
    role = answering(made, {"values": [[1, 0], [0, 1]]})
    registry.publish("thing", **made.artifact([role], EXAMPLES, task="regression", targets=("x", "y")))
    answer = (await client.post(PATH, json={"instances": ROWS})).json()
    assert (answer["targets"], answer["predictions"]) == (["x", "y"], [{"values": row} for row in ROWS])


async def test_a_forecast_is_a_list_even_of_one_value(client, registry, made):
    role = answering(made, {"values": [[1], [10]]})
    registry.publish("thing", **made.artifact([role], EXAMPLES, task="forecasting"))
    answer = (await client.post(PATH, json={"instances": ROWS})).json()
    assert answer["predictions"] == [{"values": [21]}, {"values": [43]}]
    assert answer.keys() == {"model", "version", "job", "predictions"}


@pytest.fixture
def classifier(registry, made):
    weights = [[0.1, 0.2, 0.05], [0, 0.1, 0.15]]
    role = answering(made, {"probabilities": weights, "attention": [[1, 0, 0], [0, 1, 1]]})
    registry.publish("thing", **made.artifact([role], EXAMPLES, labels=("a", "b", "c")))
    return np.array(ROWS) @ weights


async def test_attention_is_shown_to_who_asks_for_it(client, classifier):
    plain = (await client.post(PATH, json={"instances": ROWS})).json()
    shown = (await client.post(f"{PATH}?attention=true", json={"instances": ROWS})).json()
    assert [row.pop("attention") for row in shown["predictions"]] == [[1, 2, 2], [3, 4, 4]]
    assert shown == plain == (await client.post(f"{PATH}?attention=false", json={"instances": ROWS})).json()


async def test_the_most_probable_classes_come_first(client, classifier):
    answer = (await client.post(f"{PATH}?top_k=2", json={"instances": ROWS})).json()
    for row, expected in zip(answer["predictions"], classifier, strict=True):
        order = np.argsort(-expected)[:2]
        assert [each["label"] for each in row["top"]] == ["abc"[place] for place in order]
        np.testing.assert_allclose([each["probability"] for each in row["top"]], expected[order], rtol=1e-5)
        assert (row["label"], row["probability"]) == tuple(row["top"][0].values())
    both = (await client.post(f"{PATH}?top_k=1&attention=true", json={"instances": ROWS})).json()
    assert [row["attention"] for row in both["predictions"]] == [[1, 2, 2], [3, 4, 4]]


async def test_what_cannot_be_shown_is_refused(client, registry, made, classifier):
    role = answering(made, {"values": [[1], [10]]})
    registry.publish("price", **made.artifact([role], EXAMPLES, task="regression"))
    for path, message in [
        (f"{PATH}?attention=yes", "attention: Expected one of true, false, got 'yes'"),
        (f"{PATH}?top_k=4", "top_k: Expected a whole number from 1 to 3"),
        (f"{PATH}?top_k=-1", "top_k: Expected a whole number"),
        ("/api/v1/models/price/predict?attention=true", "no attention weights"),
        ("/api/v1/models/price/predict?top_k=1", "values, not with classes"),
    ]:
        answer = await client.post(path, json={"instances": ROWS})
        assert answer.status_code == 422, answer.text
        assert message in answer.json()["detail"]
        assert answer.json()["errors"][0]["pointer"] in {"attention", "top_k"}


async def test_values_that_are_no_numbers_never_leave(client, registry, made):
    role = answering(made, {"values": [[1], [10]]})
    registry.publish("thing", **made.artifact([role], EXAMPLES, task="regression"))
    answer = await client.post(PATH, json={"instances": [[3e38, 3e38]]})
    assert (answer.status_code, answer.json()["code"]) == (422, "not_finite")
