import io
import json

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.anyio

PATH = "/api/v1/models/art/samples"
IMAGE = {"low": 0, "high": 16, "background": 0}
LATENT = 3
# What a picture is made of: 2 by 2 pixels, each a sum of the latent.
WEIGHTS = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1]], np.float32)


def painter(made, *, labelled):
    """Make a role whose samples are ``latent @ WEIGHTS``, and the class on top of each pixel."""
    label = {"label": ((), "int32")} if labelled else {}
    role = made.role("sample", {"latent": (LATENT,), **label}, {"sample": (2, 2, 1)})
    role.node("MatMul", ["latent", role.constant(WEIGHTS)], ["flat"])
    if labelled:
        role.node("Cast", ["label"], ["class"], to=1)
        role.node("Unsqueeze", ["class", role.constant(np.array([1], np.int64))], ["column"])
        role.node("Add", ["flat", "column"], ["sum"])
    role.node(
        "Reshape",
        ["sum" if labelled else "flat", role.constant(np.array([-1, 2, 2, 1], np.int64))],
        ["sample"],
    )
    return role


def publish(registry, made, *, labelled=False, **signature):
    examples = {"latent": np.ones((2, LATENT), np.float32)}
    if labelled:
        examples["label"] = np.array([0, 1], np.int32)
    artifact = made.artifact(
        [painter(made, labelled=labelled)],
        {"sample": examples},
        task="sampling",
        image=IMAGE,
        labels=("cat", "7") if labelled else (),
        **signature,
    )
    return registry.publish("art", **artifact)


def pictures(answer):
    assert answer.status_code == 200, answer.text
    return np.array(answer.json()["samples"], np.float32)


def painted(latent):
    return (np.array(latent, np.float32) @ WEIGHTS).reshape(-1, 2, 2, 1)


async def test_samples_are_made_of_the_latents_that_are_told(client, registry, made):
    version = publish(registry, made)
    answer = await client.post(PATH, json={"count": 3, "seed": 7})
    body = answer.json()
    np.testing.assert_allclose(pictures(answer), painted(body["latent"]), rtol=1e-5)
    assert (body["model"], body["version"], body["job"], body["seed"]) == ("art", 1, version.job_id, 7)
    assert np.array(body["latent"]).shape == (3, LATENT)
    assert "label" not in body
    again = await client.post(PATH, json={"latent": body["latent"]})
    np.testing.assert_array_equal(pictures(again), pictures(answer))


async def test_a_seed_gives_the_same_samples_again_and_none_gives_others(client, registry, made):
    publish(registry, made)
    first, again = [pictures(await client.post(PATH, json={"seed": 7, "count": 2})) for _ in range(2)]
    np.testing.assert_array_equal(first, again)
    fewer = pictures(await client.post(PATH, json={"seed": 7, "count": 1}))
    np.testing.assert_array_equal(fewer, first[:1])
    others = [(await client.post(PATH, content=b"")).json() for _ in range(2)]
    assert others[0]["latent"] != others[1]["latent"]
    told = await client.post(PATH, json={"seed": others[0]["seed"]})
    assert told.json()["latent"] == others[0]["latent"]


async def test_latents_are_drawn_from_the_standard_normal_distribution(client, registry, made):
    publish(registry, made)
    drawn = np.array((await client.post(PATH, json={"seed": 1, "count": 256})).json()["latent"])
    assert abs(drawn.mean()) < 0.15
    assert abs(drawn.std() - 1) < 0.1


async def test_between_two_latents_lie_evenly_spread_ones(client, registry, made):
    publish(registry, made)
    ends = [[0, 0, 0], [4, 8, 0]]
    answer = await client.post(PATH, json={"interpolate": ends, "count": 5})
    assert answer.json()["latent"] == [[0, 0, 0], [1, 2, 0], [2, 4, 0], [3, 6, 0], [4, 8, 0]]
    np.testing.assert_allclose(pictures(answer), painted(answer.json()["latent"]), rtol=1e-5)
    assert len(pictures(await client.post(PATH, json={"interpolate": ends}))) == 8


async def test_labels_are_asked_for_by_name(client, registry, made):
    publish(registry, made, labelled=True)
    for label, named in [
        ("cat", ["cat"] * 3),
        (7, ["7"] * 3),
        (["cat"], ["cat"] * 3),
        (["7", "cat", 7],) * 2,
    ]:
        answer = await client.post(PATH, json={"count": 3, "latent": [[0.0] * LATENT] * 3, "label": label})
        assert answer.json()["label"] == [str(each) for each in named]
        classes = [("cat", "7").index(str(each)) for each in named]
        np.testing.assert_array_equal(pictures(answer)[:, 0, 0, 0], classes)


async def test_without_a_label_each_sample_has_one_by_chance(client, registry, made):
    publish(registry, made, labelled=True)
    body = {"seed": 3, "latent": [[0.0] * LATENT] * 20}
    answer = await client.post(PATH, json=body)
    assert set(answer.json()["label"]) == {"cat", "7"}
    classes = [("cat", "7").index(each) for each in answer.json()["label"]]
    np.testing.assert_array_equal(pictures(answer)[:, 0, 0, 0], classes)
    assert (await client.post(PATH, json=body)).json() == answer.json()


async def test_samples_come_as_a_grid_of_pictures_with_their_seed(client, registry, made):
    publish(registry, made)
    latent = [[16, 0, 0], [0, 16, 0], [0, 0, 16]]
    answer = await client.post(PATH, json={"latent": latent, "seed": 9}, headers={"accept": "image/png"})
    assert (answer.headers["content-type"], answer.headers["x-keraforge-seed"]) == ("image/png", "9")
    assert answer.headers["x-keraforge-version"] == "1"
    sheet = np.asarray(Image.open(io.BytesIO(answer.content)))
    white, black = 255, 0
    # Two across and two down: what is not taken has the background.
    expected = [
        [white, black, black, white],
        [black, white, black, white],
        [black, black, black, black],
        [white, white, black, black],
    ]
    np.testing.assert_array_equal(sheet, expected)


async def test_samples_come_as_an_array(client, registry, made):
    publish(registry, made)
    accept = {"accept": "application/x-npy"}
    answer = await client.post(PATH, json={"count": 4, "seed": 2}, headers=accept)
    array = np.load(io.BytesIO(answer.content))
    assert (answer.headers["content-type"], array.dtype) == ("application/x-npy", np.float32)
    np.testing.assert_array_equal(array, pictures(await client.post(PATH, json={"count": 4, "seed": 2})))


async def test_what_is_no_picture_is_not_drawn(client, registry, made):
    role = made.role("sample", {"latent": (2,)}, {"sample": (2,)})
    role.node("Identity", ["latent"], ["sample"])
    examples = {"sample": {"latent": np.ones((1, 2), np.float32)}}
    registry.publish("art", **made.artifact([role], examples, task="sampling"))
    answer = await client.post(PATH, content=b"{}", headers={"accept": "image/png"})
    assert answer.status_code == 406
    assert "application/json, application/x-npy" in answer.json()["detail"]


WRONG = [
    ({"count": 0}, "/count", "greater than or equal to 1"),
    ({"count": 257}, "/count", "less than or equal to 256"),
    ({"count": 10**9}, "/count", "less than or equal to 256"),
    ({"count": "3"}, "/count", "valid integer; got '3'"),
    ({"count": True}, "/count", "valid integer"),
    ({"count": 1.5}, "/count", "valid integer"),
    ({"seed": -1}, "/seed", "greater than or equal to 0"),
    ({"seed": 2**53}, "/seed", "less than or equal to"),
    ({"latent": []}, "/latent", "at least 1 item"),
    ({"latent": [[1, 2]]}, "/latent/0", "Expected 3 numbers, got 2"),
    ({"latent": [[1, 2, 3], [1, 2, 3, 4]]}, "/latent/1", "Expected 3 numbers, got 4"),
    ({"latent": [1, 2, 3]}, "/latent/0", "valid array"),
    ({"latent": [[1, 2, "3"]]}, "/latent/0/2", "valid number"),
    ({"latent": [[1, 2, 1e39]]}, "/latent/0/2", "less than or equal to"),
    ({"latent": [[1, 2, 3]], "count": 2}, "/count", "as there are latents, 1, got 2"),
    ({"latent": [[0] * 3] * 257}, "/latent", "at most 256 items"),
    ({"interpolate": [[1, 2, 3]]}, "/interpolate", "at least 2 items"),
    ({"interpolate": [[1, 2, 3], [1, 2]]}, "/interpolate/1", "Expected 3 numbers, got 2"),
    ({"interpolate": [[0] * 3] * 2, "latent": [[0] * 3]}, "/interpolate", "got both"),
    ({"label": "cat"}, "/label", "without regard to labels"),
    ({"labels": "cat"}, "/labels", "no such field"),
]
WRONG_LABELS = [
    ("dog", "/label", "Expected one of cat, 7, got 'dog'"),
    (["cat", 8], "/label/1", "Expected one of cat, 7, got '8'"),
    (["cat"] * 3, "/label", "one for each of 2 samples, got 3"),
    ([], "/label", "at least 1 item"),
    (True, "/label", "valid string"),
]
UNREADABLE = [
    (b'{"latent": [[1, 2, NaN]]}', 400, "malformed_json"),
    (b'{"count": 1, "count": 2}', 400, "malformed_json"),
    (b'{"latent": [[1, 2, 1e999]]}', 422, "validation_failed"),
    (b'{"latent": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "malformed_json"),
    (b"[]", 422, "validation_failed"),
    (b"seven", 400, "malformed_json"),
]


async def pointed_at(client, body, pointer, message):
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
    assert message in answer.json()["detail"]


async def test_what_cannot_be_made_is_pointed_at(client, registry, made):
    publish(registry, made)
    for body, pointer, message in WRONG:
        await pointed_at(client, body, pointer, message)


async def test_a_wrong_label_is_pointed_at(client, registry, made):
    publish(registry, made, labelled=True)
    for label, pointer, message in WRONG_LABELS:
        await pointed_at(client, {"count": 2, "label": label}, pointer, message)


async def test_what_is_no_object_of_json_is_refused(client, registry, made):
    publish(registry, made)
    for content, status, code in UNREADABLE:
        answer = await client.post(PATH, content=content)
        assert (answer.status_code, answer.json()["code"]) == (status, code), content[:50]


async def test_other_media_types_than_json_are_refused(client, registry, made):
    publish(registry, made)
    answer = await client.post(PATH, content=b"seven", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.headers["accept-post"]) == (415, "application/json")


async def test_an_answer_that_is_no_number_is_refused(client, registry, made):
    publish(registry, made)
    answer = await client.post(PATH, json={"latent": [[3e38, 3e38, 3e38]]})
    assert (answer.status_code, answer.json()["code"]) == (422, "not_finite")


async def test_a_large_body_is_refused_before_it_is_read(client, registry, made, settings):
    publish(registry, made)
    content = json.dumps({"latent": [[0.0] * LATENT] * 256}).encode().ljust(settings.predict_body_bytes + 1)
    assert (await client.post(PATH, content=content)).status_code == 413


async def test_versions_and_aliases_have_addresses(client, registry, made):
    publish(registry, made)
    registry.point("blue", publish(registry, made))
    for which, number in [("/versions/1", 1), ("/aliases/blue", 2), ("", 2)]:
        answer = await client.post(f"/api/v1/models/art{which}/samples", content=b"{}")
        assert answer.json()["version"] == number
