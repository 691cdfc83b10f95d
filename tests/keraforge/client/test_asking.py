import json
from pathlib import Path
from typing import Any

import httpx
import pytest

import keraforge
from keraforge.client.deltas import Deltas

LINEAGE = {"model": "m", "version": 1, "job": "job_1"}
PNG = b"\x89PNG picture"


def stream(*events: dict[str, Any]) -> httpx.Response:
    content = "".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events).encode()
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=content)


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.bin", b"\x89PNG", "image/png"),
        ("a.bin", b"\xff\xd8\xff", "image/jpeg"),
        ("a.bin", b"\x93NUMPY", "application/x-npy"),
        ("a.CSV", b"age\n1", "text/csv"),
        ("a.txt", b"a film", "text/plain"),
        ("a.json", b"{}", "application/json"),
    ],
)
def test_a_file_is_sent_as_what_it_is(
    call: Any, service: Any, tmp_path: Path, name: str, content: bytes, media_type: str
) -> None:
    service.on("POST", "/models/m/encode", {**LINEAGE, "codes": [[1, 2]]})
    (tmp_path / name).write_bytes(content)
    assert call(lambda client: client.models.encode("m", tmp_path / name)).codes == [[1, 2]]
    assert service.requests[-1].headers["content-type"] == media_type
    assert service.requests[-1].content == content


def test_a_file_of_another_kind_is_not_sent(call: Any, service: Any, tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    with pytest.raises(keraforge.Unsupported, match=r"or a \.zip, \.npy, \.csv, \.txt or \.json file"):
        call(lambda client: client.predict("m", tmp_path / "a.gif"))
    assert service.requests == []


def test_an_archive_is_sent_as_one_and_its_answers_have_names(
    call: Any, service: Any, tmp_path: Path
) -> None:
    (tmp_path / "pictures.zip").write_bytes(b"PK\x03\x04 and so on")
    answer = {**LINEAGE, "files": ["a.png"], "predictions": [{"value": 1.0}]}
    service.on("POST", "/models/m/predict", answer)
    found = call(lambda client: client.predict("m", tmp_path / "pictures.zip"))
    assert (found.files, found.predictions[0].value) == (["a.png"], 1.0)
    assert service.requests[-1].headers["content-type"] == "application/zip"


def test_predictions_of_every_kind_are_read(call: Any, service: Any) -> None:
    top = [{"label": "a", "probability": 0.5}]
    rows = [
        {"label": "a", "probability": 0.5, "top": top, "attention": [0.5, 0.5]},
        {"value": 2.5},
        {"values": [1, 2]},
    ]
    service.on("POST", "/models/m/predict", {**LINEAGE, "targets": ["x"], "predictions": rows})
    answer = call(lambda client: client.predict("m", ["a text"], top_k=1, attention=True))
    first, second, third = answer.predictions
    assert (first.top[0].label, first.attention, first.value) == ("a", [0.5, 0.5], None)
    assert (second.value, second.label, third.values, answer.targets) == (2.5, None, [1, 2], ["x"])
    assert dict(service.requests[-1].url.params) == {"top_k": "1", "attention": "true"}


def test_rows_are_decoded_reconstructed_and_judged(call: Any, service: Any) -> None:
    decoded = {**LINEAGE, "reconstructions": [[1]]}
    verdict = {"score": 0.5, "threshold": 0.25, "is_anomaly": True}
    service.on("POST", "/models/m/decode", decoded)
    service.on("POST", "/models/m/versions/1/reconstruct", {**decoded, "errors": [0.5]})
    service.on("POST", "/models/m/aliases/blue/anomalies", {**LINEAGE, "anomalies": [verdict]})
    assert call(lambda client: client.models.decode("m", [[1]])).reconstructions == [[1]]
    assert service.sent() == {"codes": [[1]]}
    assert call(lambda client: client.models.reconstruct("m", [[1]], version=1)).errors == [0.5]
    found = call(lambda client: client.models.anomalies("m", [[1]], alias="blue"))
    assert found.anomalies[0].is_anomaly is True


def test_samples_are_asked_for_by_what_was_said_alone(call: Any, service: Any) -> None:
    answer = {**LINEAGE, "samples": [[1]], "seed": 7, "latent": [[0.5]], "label": ["3"]}
    service.on("POST", "/models/m/samples", answer)
    made = call(lambda client: client.sample("m", 2, seed=7, label=["3", "5"]))
    assert (made.samples, made.seed, made.label) == ([[1]], 7, ["3"])
    assert service.sent() == {"count": 2, "seed": 7, "label": ["3", "5"]}
    call(lambda client: client.sample("m", interpolate=((0, 1), (1, 0))))
    assert service.sent() == {"interpolate": [[0, 1], [1, 0]]}


@pytest.mark.parametrize("question", ["samples", "reconstruct", "decode"])
def test_pictures_come_as_bytes(call: Any, service: Any, question: str) -> None:
    service.on("POST", f"/models/m/{question}", httpx.Response(200, content=PNG))
    asked = {"samples": "sample_image", "reconstruct": "reconstruct_image", "decode": "decode_image"}[
        question
    ]
    rows = () if question == "samples" else ([[1]],)
    assert call(lambda client: getattr(client.models, asked)("m", *rows)) == PNG
    assert service.requests[-1].headers["accept"] == "image/png"


WHOLE = {**LINEAGE, "text": "ab", "finish_reason": "stop", "seed": 1, "usage": {"prompt_tokens": 1}}


def test_text_comes_at_once(call: Any, service: Any) -> None:
    service.on("POST", "/models/bard/generate", WHOLE)
    text = call(lambda client: client.generate("bard", "Once", temperature=0, stop="."))
    assert (text.text, text.finish_reason, text.usage) == ("ab", "stop", {"prompt_tokens": 1})
    assert service.sent() == {"prompt": "Once", "temperature": 0, "stop": "."}


def test_text_comes_in_pieces_whatever_signs_it_has(call: Any, service: Any) -> None:
    pieces = ["a\u2028", "\x85b", "\n\n", "é"]
    service.on(
        "POST", "/models/bard/versions/2/generate", stream(*({"delta": each} for each in pieces), WHOLE)
    )
    assert call(lambda client: client.stream_text("bard", "Once", version=2, seed=1)) == pieces
    assert service.sent() == {"prompt": "Once", "stream": True, "seed": 1}


def test_a_text_that_breaks_off_is_not_taken_for_a_whole_one(call: Any, service: Any) -> None:
    service.on("POST", "/models/bard/generate", stream({"delta": "a"}))
    with pytest.raises(keraforge.ServiceTrouble, match="broke off"):
        call(lambda client: client.stream_text("bard", "Once"))


def test_a_refused_stream_says_why_and_is_not_asked_for_again(call: Any, service: Any) -> None:
    problem = {"detail": "It answers predict.", "code": "role_not_served"}
    service.on("POST", "/models/bard/generate", problem, status=409)
    with pytest.raises(keraforge.Conflict, match="It answers predict"):
        call(lambda client: client.stream_text("bard", "Once"))
    assert len(service.requests) == 1


def test_a_stream_of_a_service_that_is_gone_is_an_error(call: Any, service: Any) -> None:
    service.on("POST", "/models/bard/generate", httpx.ReadError("gone"))
    with pytest.raises(keraforge.NotRunning):
        call(lambda client: client.stream_text("bard", "Once"))


def test_pieces_are_cut_where_events_end_not_where_bytes_do() -> None:
    deltas, found = Deltas(), []
    content = b"".join(
        b"data: %b\n\n" % json.dumps(each, ensure_ascii=False).encode()
        for each in ({"delta": "é\u2028"}, WHOLE)
    )
    for place in range(len(content)):
        found += deltas.take(content[place : place + 1])
    deltas.close()
    assert found == ["é\u2028"]
