import io
import threading

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.anyio

MODEL = "/api/v1/models/coder"
IMAGE = {"low": 0, "high": 16, "background": 4}
# Codes are half of each of two pixels; decoded, the second pixel is lost.
ROWS = np.array([[[[2], [4]]], [[[8], [0]]], [[[16], [16]]]], np.float32)
CODES = [[1, 2], [4, 0], [8, 8]]
ERRORS = [16, 0, 256]
NPY = {"content-type": "application/x-npy"}


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def roles(made):
    encode = made.role("encode", {"image": (1, 2, 1)}, {"codes": (2,)})
    encode.node("Flatten", ["image"], ["flat"])
    encode.node("Mul", ["flat", encode.constant(np.float32([0.5]))], ["codes"])
    decode = made.role("decode", {"codes": (2,)}, {"reconstruction": (1, 2, 1)})
    decode.node("Mul", ["codes", decode.constant(np.float32([2, 0]))], ["flat"])
    decode.node("Reshape", ["flat", decode.constant(np.array([-1, 1, 2, 1]))], ["reconstruction"])
    whole = made.role("reconstruct", {"image": (1, 2, 1)}, {"reconstruction": (1, 2, 1), "error": ()})
    whole.node("Mul", ["image", whole.constant(np.float32([[[1], [0]]]))], ["reconstruction"])
    whole.node("Sub", ["image", "reconstruction"], ["lost"])
    whole.node("Mul", ["lost", "lost"], ["squares"])
    whole.node("ReduceSum", ["squares", whole.constant(np.array([1, 2, 3]))], ["error"], keepdims=0)
    return [encode, decode, whole]


@pytest.fixture
def coder(registry, made):
    examples = {role: {"image": ROWS} for role in ("encode", "reconstruct")}
    examples["decode"] = {"codes": np.array(CODES, np.float32)}
    artifact = made.artifact(roles(made), examples, task="reconstruction", image=IMAGE, threshold=16.0)
    return registry.publish("coder", **artifact)


async def test_rows_are_encoded_and_decoded(client, coder):
    encoded = (await client.post(f"{MODEL}/encode", json={"instances": ROWS.tolist()})).json()
    assert encoded == {"model": "coder", "version": 1, "job": coder.job_id, "codes": CODES}
    decoded = (await client.post(f"{MODEL}/decode", json={"codes": encoded["codes"]})).json()
    assert decoded["reconstructions"] == [[[[2], [0]]], [[[8], [0]]], [[[16], [0]]]]


async def test_rows_are_reconstructed_with_their_errors(client, coder):
    answer = (await client.post(f"{MODEL}/reconstruct", json={"instances": ROWS.tolist()})).json()
    assert answer["reconstructions"] == [[[[2], [0]]], [[[8], [0]]], [[[16], [0]]]]
    assert answer["errors"] == ERRORS


async def test_anomalies_are_what_is_above_the_threshold(client, coder):
    answer = (await client.post(f"{MODEL}/anomalies", json={"instances": ROWS.tolist()})).json()
    assert answer["anomalies"] == [
        {"score": score, "threshold": 16, "is_anomaly": anomaly}
        for score, anomaly in zip(ERRORS, (False, False, True), strict=True)
    ]


async def test_arrays_go_in_and_come_out(client, coder):
    accept = {"accept": "application/x-npy"}
    codes = await client.post(f"{MODEL}/encode", content=npy(ROWS), headers=NPY | accept)
    assert codes.headers["content-type"] == "application/x-npy"
    assert codes.headers["x-keraforge-version"] == "1"
    np.testing.assert_array_equal(np.load(io.BytesIO(codes.content)), CODES)
    rows = await client.post(f"{MODEL}/decode", content=codes.content, headers=NPY | accept)
    assert np.load(io.BytesIO(rows.content)).shape == (3, 1, 2, 1)
    json_rows = await client.post(f"{MODEL}/anomalies", content=npy(ROWS), headers=NPY)
    assert len(json_rows.json()["anomalies"]) == 3


async def test_reconstructions_are_drawn_in_the_range_of_the_images(client, coder):
    answer = await client.post(
        f"{MODEL}/reconstruct", json={"instances": ROWS.tolist()}, headers={"accept": "image/png"}
    )
    sheet = np.asarray(Image.open(io.BytesIO(answer.content)))
    # The fourth place has no row, but the background.
    np.testing.assert_array_equal(sheet, [[32, 0, 128, 0], [255, 0, 64, 64]])


async def test_a_picture_is_encoded_and_reconstructed_as_one_row(client, coder):
    picture = io.BytesIO()
    Image.fromarray(np.array([[255, 0]], np.uint8)).save(picture, "PNG")
    headers = {"content-type": "image/png", "accept": "image/png"}
    codes = await client.post(
        f"{MODEL}/encode?invert=no", content=picture.getvalue(), headers={"content-type": "image/png"}
    )
    assert codes.json()["codes"] == [[8, 0]]
    drawn = await client.post(f"{MODEL}/reconstruct?invert=no", content=picture.getvalue(), headers=headers)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(drawn.content))), [[255, 0]])


async def test_who_takes_no_json_is_refused_where_there_is_nothing_else(
    client, registry, coder, made, speller
):
    registry.publish()
    registry.publish("tales", **speller("abc").artifact(made))
    rows = {"instances": ROWS.tolist()}
    asked = [
        ("digits/predict", {"instances": np.zeros((1, 8, 8, 1)).tolist()}),
        ("coder/anomalies", rows),
        ("tales/predict", {"instances": ["ab"]}),
    ]
    for path, body in asked:
        address = f"/api/v1/models/{path}"
        for accept in ("application/json", "text/html, */*;q=0.1", "application/*"):
            assert (await client.post(address, json=body, headers={"accept": accept})).status_code == 200
        answer = await client.post(address, json=body, headers={"accept": "image/png"})
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
        assert "The answer can be application/json" in answer.json()["detail"]


async def test_codes_are_not_drawn(client, coder):
    answer = await client.post(f"{MODEL}/encode", content=npy(ROWS), headers={**NPY, "accept": "image/png"})
    assert answer.status_code == 406
    assert "application/json, application/x-npy" in answer.json()["detail"]


async def test_without_a_threshold_nothing_is_an_anomaly(client, registry, made, coder):
    examples = {"reconstruct": {"image": ROWS}}
    registry.publish("coder", **made.artifact(roles(made)[2:], examples, task="reconstruction", image=IMAGE))
    answer = await client.post(f"{MODEL}/anomalies", json={"instances": ROWS.tolist()})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_threshold")
    assert "Version 2 of model 'coder' has no threshold" in answer.json()["detail"]


async def test_wrong_codes_and_rows_are_pointed_at(client, coder):
    for question, body, pointer, message in [
        ("decode", {"codes": [[1, 2, 3]]}, "/codes/0", "Expected a list of 2 numbers, got a list of 3"),
        ("decode", {"codes": [[1, "2"]]}, "/codes/0/1", "got the text '2'"),
        ("decode", {"codes": []}, "/codes", "at least one row"),
        ("decode", {"instances": [[1, 2]]}, "/instances", "Only 'codes' is expected"),
        ("encode", {"codes": [[1, 2]]}, "/codes", "Only 'instances' is expected"),
        ("reconstruct", {"instances": [[[[1]]]]}, "/instances/0/0", "a list of 2 "),
    ]:
        answer = await client.post(f"{MODEL}/{question}", json=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
        assert message in answer.json()["detail"]
    nan = await client.post(f"{MODEL}/decode", content=b'{"codes": [[1, NaN]]}')
    assert (nan.status_code, nan.json()["errors"][0]["pointer"]) == (422, "/codes/0/1")


WRONG_FILES = [
    (npy(np.zeros((1, 2, 1, 1))), "npy_invalid", "Expected numbers of the shape [rows, 1, 2, 1]"),
    (npy(np.zeros((0, 1, 2, 1))), "too_many_rows", "Expected 1 to 10000 rows, got 0"),
    (
        npy(np.array([[[[np.nan], [0]]]])),
        "not_finite",
        "Row 0 holds a value that is no finite float32, at [0, 0, 0]",
    ),
    (npy(np.full((1, 1, 2, 1), 1e39)), "not_finite", "no finite float32"),
    (npy(np.array([[[["a"], ["b"]]]])), "npy_invalid", "Expected numbers"),
    (npy(ROWS)[:-1], "npy_invalid", "bytes of data"),
    (npy(ROWS) + b"0", "npy_invalid", "bytes of data"),
    (npy(ROWS)[:20], "npy_invalid", "not a whole .npy file"),
    (b"", "npy_invalid", "not a whole .npy file"),
    # A header that promises more than all memory.
    (npy(ROWS).replace(b"(3, 1, 2, 1)", b"(9999,1,2,1)"), "npy_invalid", "bytes of data"),
    (npy(ROWS).replace(b"(3, 1, 2, 1)", b"(-3, 1,2, 1)"), "npy_invalid", "not a whole .npy file"),
]


async def test_files_are_read_without_trust(client, coder):
    pickled = io.BytesIO()
    np.save(pickled, np.array([[[[{}], [{}]]]], object), allow_pickle=True)
    for content, code, message in [*WRONG_FILES, (pickled.getvalue(), "npy_invalid", "Expected numbers")]:
        answer = await client.post(f"{MODEL}/encode", content=content, headers=NPY)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        assert message in answer.json()["detail"]


async def test_integers_and_the_order_of_columns_are_read_too(client, coder):
    for array in (ROWS.astype(np.uint8), np.asfortranarray(ROWS), ROWS.astype(">f8"), ROWS[..., 0]):
        answer = await client.post(f"{MODEL}/encode", content=npy(array))
        assert answer.json()["codes"] == CODES


async def test_rows_of_a_table_come_with_the_names_of_their_columns(client, registry, made):
    role = made.role("reconstruct", {"age": (), "city": ()}, {"reconstruction": (2,), "error": ()})
    for name in ("age", "city"):
        role.node("Unsqueeze", [name, role.constant(np.array([1]))], [f"{name}_column"])
    role.node("Concat", ["age_column", "city_column"], ["reconstruction"], axis=1)
    role.node("Sub", ["age", "city"], ["error"])
    columns = (
        {"name": "age", "kind": "number"},
        {"name": "city", "kind": "category", "categories": ["York"]},
    )
    examples = {"reconstruct": {name: np.ones(2, np.float32) for name in ("age", "city")}}
    registry.publish("coder", **made.artifact([role], examples, task="reconstruction", columns=columns))
    rows = [{"age": 41, "city": "York"}]
    answer = (await client.post(f"{MODEL}/reconstruct", json={"instances": rows})).json()
    assert (answer["columns"], answer["reconstructions"]) == (["age", "city"], [[41, 2]])


async def test_pictures_are_drawn_away_from_the_event_loop(client, engine, coder, monkeypatch):
    role = (await engine.obtain(("local", "coder", "champion"))).roles["reconstruct"]
    threads = []
    run = role.run
    monkeypatch.setattr(role, "run", lambda *sent: threads.append(threading.get_ident()) or run(*sent))
    for accept in ("image/png", "application/json"):
        body = {"instances": ROWS.tolist()}
        answer = await client.post(f"{MODEL}/reconstruct", json=body, headers={"accept": accept})
        assert answer.status_code == 200
    assert [thread == threading.get_ident() for thread in threads] == [False, True]
