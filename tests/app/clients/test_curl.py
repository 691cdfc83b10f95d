"""curl as every page about these servers types it: no word of what is sent, one of who sends it."""

import json
import shutil
import subprocess

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture
def curl(served, tmp_path):
    """Ask with curl; return what it prints."""

    def ask(path, *options, data=None, **sent):
        if sent:
            data = json.dumps(sent)
        command = ["curl", "--silent", "--noproxy", "*", "--max-time", "30"]
        command += ["-H", f"Authorization: Bearer {served.key}", *options, f"{served.url}{path}"]
        if isinstance(data, str):
            command += ["-d", data]
        elif data is not None:
            (tmp_path / "body").write_bytes(data)
            command += ["--data-binary", f"@{tmp_path / 'body'}"]
        return subprocess.run(command, check=True, capture_output=True).stdout

    return ask


def test_tensorflow_servings_requests(curl, served):
    rows = served.rows.tolist()
    answer = json.loads(curl("/v1/models/digits:predict", instances=rows))
    np.testing.assert_allclose(answer["predictions"], served.expected(), atol=1e-6)
    answer = json.loads(curl("/v1/models/digits/labels/blue:predict", inputs={"image": rows}))
    np.testing.assert_allclose(answer["outputs"], served.expected(2), atol=1e-6)
    examples = [{"image": served.rows[0].ravel().tolist()}]
    answer = json.loads(curl("/v1/models/digits:classify", examples=examples))
    assert [label for label, _ in answer["results"][0]] == ["zero", "one", "two"]
    status = json.loads(curl("/v1/models/digits/versions/2"))["model_version_status"]
    assert [(each["version"], each["state"]) for each in status] == [("2", "AVAILABLE")]
    assert "signature_def" in json.loads(curl("/v1/models/digits/metadata"))["metadata"]
    assert json.loads(curl("/v1/models/digits:predict", data="")) == {
        "error": "JSON Parse error: The document is empty"
    }


def test_open_inference_requests(curl, served):
    tensor = {
        "name": "image",
        "shape": [3, 8, 8, 1],
        "datatype": "FP32",
        "data": served.rows.ravel().tolist(),
    }
    answer = json.loads(curl("/v2/models/digits/infer", inputs=[tensor]))
    found = np.reshape(answer["outputs"][0]["data"], (3, 3))
    np.testing.assert_allclose(found, served.expected(), atol=1e-6)
    raw = json.loads(
        curl(
            "/v2/models/digits/infer",
            *("-H", "Inference-Header-Content-Length: 0", "-H", "Accept: application/json"),
            data=served.rows[:1].tobytes(),
        )
    )
    np.testing.assert_allclose(raw["outputs"][0]["data"], served.expected()[0], atol=1e-6)
    told = curl(
        "/v2/models/tales/generate_stream", text_input="abc", parameters={"max_tokens": 5, "temperature": 0}
    ).decode()
    pieces = [json.loads(line.removeprefix("data: ")) for line in told.split("\n\n") if line]
    assert "".join(each["text_output"] for each in pieces) == served.written("abc", 5)


def test_openais_requests(curl, served):
    asked = {"model": "tales", "prompt": "abc", "max_tokens": 5, "temperature": 0}
    assert json.loads(curl("/v1/completions", **asked))["choices"][0]["text"] == served.written("abc", 5)
    assert curl("/v1/completions", **asked, stream=True).endswith(b"data: [DONE]\n\n")


def test_our_own_requests(curl, served):
    answer = json.loads(curl("/api/v1/models/digits/predict?top_k=1", instances=served.rows.tolist()))
    labels = [("zero", "one", "two")[best] for best in served.expected().argmax(axis=1)]
    assert [each["label"] for each in answer["predictions"]] == labels
