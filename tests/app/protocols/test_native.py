import io
import json
import threading

import numpy as np
import pytest
from PIL import Image

from app.protocols.body import INLINE_BODY_BYTES

pytestmark = pytest.mark.anyio

PATH = "/api/v1/models/digits/predict"
ROWS = np.random.default_rng(7).integers(0, 17, (3, 8, 8, 1)).astype(np.float32)

NOISE = np.random.default_rng(8).integers(0, 255, (64, 64)).astype(np.uint8)


def probabilities(response):
    assert response.status_code == 200, response.text
    return np.array([row["probabilities"] for row in response.json()["predictions"]], np.float32)


def png(pixels, mode="L"):
    content = io.BytesIO()
    Image.fromarray(pixels, mode).save(content, "PNG")
    return content.getvalue()


async def test_rows_are_answered_with_labels_probabilities_and_lineage(client, registry):
    version = registry.publish(seed=4)
    response = await client.post(PATH, json={"instances": ROWS.tolist()})
    expected = registry.graphs[version.id].answer(ROWS)
    np.testing.assert_allclose(probabilities(response), expected, atol=1e-6)
    body = response.json()
    assert {key: body[key] for key in ("model", "version", "job", "labels")} == {
        "model": "digits",
        "version": 1,
        "job": version.job_id,
        "labels": ["zero", "one", "two"],
    }
    best = expected.argmax(axis=1)
    assert [row["label"] for row in body["predictions"]] == [body["labels"][index] for index in best]
    assert [np.float32(row["probability"]) for row in body["predictions"]] == [
        max(np.float32(row["probabilities"])) for row in body["predictions"]
    ]
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-keraforge-model"] == "digits"
    assert response.headers["x-keraforge-version"] == "1"
    assert response.headers["x-keraforge-job"] == version.job_id


async def test_versions_and_aliases_have_addresses(client, registry):
    registry.publish(seed=1)
    second = registry.publish(seed=2, alias="candidate")
    for path, number in [
        (PATH, 1),
        ("/api/v1/models/digits/versions/1/predict", 1),
        ("/api/v1/models/digits/versions/2/predict", 2),
        ("/api/v1/models/digits/aliases/candidate/predict", second.number),
    ]:
        response = await client.post(path, json={"instances": ROWS.tolist()})
        assert response.json()["version"] == number


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/models/letters/predict", "model_not_found"),
        ("/api/v1/models/digits/versions/9/predict", "version_not_found"),
        ("/api/v1/models/digits/versions/one/predict", "version_not_found"),
        ("/api/v1/models/digits/versions/-1/predict", "version_not_found"),
        ("/api/v1/models/digits/versions/²/predict", "version_not_found"),
        (f"/api/v1/models/digits/versions/{'9' * 5000}/predict", "version_not_found"),
        ("/api/v1/models/digits/aliases/best/predict", "alias_not_found"),
        ("/api/v1/models/Digits%20%C3%BC/predict", "model_not_found"),
    ],
)
async def test_what_does_not_exist_is_not_found(client, registry, path, code):
    registry.publish()
    response = await client.post(path, json={"instances": ROWS.tolist()})
    assert (response.status_code, response.json()["code"]) == (404, code)


async def test_a_model_without_a_champion_says_what_it_has(client, registry):
    registry.publish(alias=None)
    response = await client.post(PATH, json={"instances": ROWS.tolist()})
    assert response.status_code == 404
    assert response.json()["detail"] == "Model 'digits' has no alias 'champion'. It has 1."


async def test_other_routes_are_passed_on(client):
    assert (await client.post("/elsewhere")).status_code == 299


async def test_without_a_key_nothing_is_predicted(client, registry):
    registry.publish()
    response = await client.post(PATH, json={"instances": ROWS.tolist()}, headers={"Authorization": ""})
    assert (response.status_code, response.json()["code"]) == (401, "invalid_credentials")


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "Application/JSON; charset=utf-8", "application/x-www-form-urlencoded"],
)
async def test_json_is_read_however_curl_announces_it(client, registry, content_type):
    registry.publish()
    headers = {"content-type": content_type} if content_type else {}
    body = json.dumps({"instances": ROWS.tolist()}).encode()
    assert probabilities(await client.post(PATH, content=body, headers=headers)).shape == (3, 3)


@pytest.mark.parametrize("content_type", ["text/csv", "multipart/form-data; boundary=x", "image/webp"])
async def test_other_media_types_are_refused_with_those_that_are_read(client, registry, content_type):
    registry.publish()
    response = await client.post(PATH, content=b"1,2", headers={"content-type": content_type})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    listed = "application/json, application/x-npy, application/zip, image/jpeg, image/png"
    assert response.headers["accept-post"] == listed


async def test_a_wrong_value_is_pointed_at(client, registry):
    registry.publish()
    rows = ROWS.tolist()
    rows[2][3][1][0] = "7"
    response = await client.post(PATH, json={"instances": rows})
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["pointer"] == "/instances/2/3/1/0"
    assert "Expected a number, got the text '7'" in error["message"]


async def test_what_is_not_json_is_a_bad_request(client, registry):
    registry.publish()
    response = await client.post(PATH, content=b'{"instances": [[')
    assert (response.status_code, response.json()["code"]) == (400, "malformed_json")


async def test_a_large_body_is_answered_away_from_the_event_loop(client, registry, engine, monkeypatch):
    registry.publish(seed=5)
    version = await engine.obtain(("local", "digits", "champion"))
    role = version.roles["predict"]
    threads = []
    run = role.run
    monkeypatch.setattr(role, "run", lambda *sent: threads.append(threading.get_ident()) or run(*sent))
    rows = np.tile(ROWS, (150, 1, 1, 1))
    body = json.dumps({"instances": rows.tolist()}).encode()
    assert len(body) > INLINE_BODY_BYTES
    answers = probabilities(await client.post(PATH, content=body))
    np.testing.assert_allclose(answers[:3], answers[-3:])
    # In pieces.
    here = threading.get_ident()
    assert here not in threads
    threads.clear()
    await client.post(PATH, json={"instances": ROWS.tolist()})
    role.row_seconds = 1.0
    await client.post(PATH, json={"instances": ROWS.tolist()})
    assert [thread == here for thread in threads] == [True, False]


async def test_a_body_over_the_limit_is_refused_declared_or_not(client, registry, settings):
    registry.publish()
    large = b" " * (settings.predict_body_bytes + 1)

    async def chunks():
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    for content in (large, chunks()):
        response = await client.post(PATH, content=content)
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


async def test_a_body_in_pieces_is_put_together(client, registry):
    registry.publish()
    body = json.dumps({"instances": ROWS.tolist()}).encode()

    async def chunks():
        for start in range(0, len(body), 10):
            yield body[start : start + 10]

    assert probabilities(await client.post(PATH, content=chunks())).shape == (3, 3)


async def test_a_compressed_body_is_refused(client, registry):
    registry.publish()
    response = await client.post(PATH, content=b"\x1f\x8b", headers={"content-encoding": "gzip"})
    assert response.status_code == 415


@pytest.mark.parametrize("content_type", ["image/png", "application/x-www-form-urlencoded", None])
async def test_a_picture_gives_the_answer_of_its_rows(client, registry, content_type):
    registry.publish(seed=6)
    pixels = np.kron(ROWS[0, :, :, 0], np.ones((8, 8))) * (255 / 16)
    headers = {"content-type": content_type} if content_type else {}
    picture = png(pixels.astype(np.uint8))
    response = await client.post(f"{PATH}?invert=no", content=picture, headers=headers)
    by_rows = await client.post(PATH, json={"instances": ROWS[:1].tolist()})
    np.testing.assert_allclose(probabilities(response), probabilities(by_rows), atol=0.01)


async def test_a_jpeg_is_a_picture_too(client, registry):
    registry.publish()
    content = io.BytesIO()
    Image.new("L", (16, 16), 30).save(content, "JPEG")
    response = await client.post(PATH, content=content.getvalue(), headers={"content-type": "image/jpeg"})
    assert probabilities(response).shape == (1, 3)


async def test_a_picture_is_inverted_as_asked(client, registry):
    registry.publish(seed=6)
    pixels = np.random.default_rng(0).integers(0, 100, (8, 8)).astype(np.uint8)

    async def answer_of(picture, invert):
        return probabilities(await client.post(f"{PATH}?invert={invert}", content=png(picture)))

    dark = await answer_of(pixels, "no")
    np.testing.assert_allclose(await answer_of(255 - pixels, "yes"), dark, atol=1e-5)
    np.testing.assert_allclose(await answer_of(255 - pixels, "auto"), dark, atol=1e-5)
    assert not np.allclose(await answer_of(255 - pixels, "no"), dark)


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (png(NOISE)[:500], "image/png", 422, "image_broken"),
        (b"\x89PNG", "image/jpeg", 415, "media_type_mismatch"),
        (png(np.zeros((101, 100), np.uint8)), "image/png", 413, "image_too_large"),
    ],
)
async def test_a_bad_picture_is_refused(client, registry, content, content_type, status, code):
    registry.publish()
    response = await client.post(PATH, content=content, headers={"content-type": content_type})
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_an_unknown_choice_for_invert_is_refused(client, registry):
    registry.publish()
    response = await client.post(f"{PATH}?invert=maybe", content=png(np.zeros((8, 8), np.uint8)))
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "invert"


async def test_a_model_of_plain_rows_takes_no_pictures(client, registry):
    registry.publish(signature=registry.signature(image=None))
    response = await client.post(PATH, content=png(np.zeros((8, 8), np.uint8)))
    assert (response.status_code, response.headers["accept-post"]) == (
        415,
        "application/json, application/x-npy",
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances": [[1, 2]], "instances": [[3, 4]]}',
        b'{"instances": [{"a": [1]}, {"a": 1, "a": 2}]}',
        b'{"instances": [NaN, {"a": {"b": 1, "b": 2}}]}',
    ],
)
async def test_a_name_that_is_repeated_would_lose_a_value_and_is_refused(client, registry, body):
    registry.publish()
    response = await client.post(PATH, content=body)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_json")
    assert "is repeated in one object" in response.json()["detail"]


@pytest.mark.parametrize(
    ("question", "query", "text"),
    [
        ("predict", "topk=2", "the known ones are attention, invert, top_k."),
        ("predict", "top_k=2&%ff=", "the known ones are"),
        ("generate", "seed=7", "this address takes none."),
    ],
)
async def test_a_parameter_that_is_not_known_is_told_the_known_ones(client, registry, question, query, text):
    registry.publish()
    response = await client.post(f"/api/v1/models/digits/{question}?{query}", content=b"{}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["code"] == "unknown_parameter"
    assert text in response.json()["detail"]
