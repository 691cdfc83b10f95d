import pytest
from tensors import error

IMAGE = [[[0.0]] * 8] * 8


@pytest.fixture(scope="module")
def client(module_service, module_registry):
    module_registry.publish(seed=1)
    module_registry.publish(seed=2, alias="candidate")
    with module_service.client("predict") as client:
        assert client.get("/v1/models/digits/labels/candidate/metadata").status_code == 200
        yield client


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("digits:Predict", "1"),
        ("digits/VERSIONS/2:predict", "2"),
        ("digits/versions/002:predict", "2"),
        ("digits/Labels/candidate:PREDICT", "2"),
        ("d%69gits/labels/can%64idate%3Apredict", "2"),
    ],
)
def test_case_and_escapes_make_no_difference(client, path, number):
    answer = client.post(f"/v1/models/{path}", json={"instances": [IMAGE]})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-keraforge-version"] == number
    assert answer.headers["content-type"] == "application/json"


def test_a_status_is_what_protocol_buffers_make_of_it_and_nothing_else(client):
    def told(number):
        return {
            "version": number,
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }

    assert client.get("/v1/models/digits").json() == {"model_version_status": [told("1"), told("2")]}
    assert client.get("/v1/models/digits/LABELS/candidate").json() == {"model_version_status": [told("2")]}


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "digits/versions/50/metadata", 404, "Servable not found for request: Specific(digits, 50)"),
        ("GET", "digits/labels/x/metadata", 400, "Unrecognized servable version label: x"),
        ("GET", "digits/labels/x", 400, "Unrecognized servable version label: x"),
        ("GET", "none/versions/1", 404, "Could not find version 1 of model none"),
        ("POST", "none:classify", 404, "Servable not found for request: Latest(none)"),
        ("POST", "digits/versions/9223372036854775808:predict", 400, "Failed to convert version: 92233"),
        ("POST", "digits/versions/9223372036854775807:predict", 404, "Specific(digits, 9223372036854775807)"),
    ],
)
def test_what_is_not_there_is_told_in_the_words_of_tensorflow_serving(client, method, path, status, text):
    assert text in error(client.request(method, f"/v1/models/{path}"), status)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "digits/version/5:predict"),
        ("POST", "digits:explain"),
        ("POST", "digits/metadata"),
        ("POST", "digits/versions/:predict"),
        ("POST", "digits/labels/candidate/versions/1:predict"),
        ("POST", "digits:predict/"),
        ("POST", ":predict"),
        ("GET", "digits:classify"),
        ("GET", "digits/versions"),
        ("GET", "digits/labels/a:b"),
        ("GET", "digits/"),
        ("GET", ""),
    ],
)
def test_every_other_address_is_malformed(client, method, path):
    answer = client.request(method, f"/v1/models/{path}")
    assert error(answer) == f"Malformed request: {method} /v1/models/{path}"
