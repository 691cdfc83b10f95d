import json
from pathlib import Path
from typing import Any

import httpx
import pytest

LINEAGE = {"model": "m", "version": 1, "job": "job_1"}
PNG = b"\x89PNG picture"


def picture() -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": "image/png"}, content=PNG)


def stream(*events: dict[str, Any]) -> httpx.Response:
    content = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=content)


def test_samples_are_written_as_a_picture(run: Any, served: Any, tmp_path: Path) -> None:
    served.on("POST", "/models/m/versions/2/samples", picture())
    file = tmp_path / "samples.png"
    result = run(
        "sample", "m@2", "-n", "4", "--seed", "7", "--label", "3", "--label", "5", "--output", str(file)
    )
    assert file.read_bytes() == PNG
    assert (result.stdout, f"Wrote {file}." in result.stderr.replace("\n", "")) == ("", True)
    assert served.sent() == {"count": 4, "seed": 7, "label": ["3", "5"]}
    assert served.requests[-1].headers["accept"] == "image/png"


def test_samples_are_printed_for_scripts(run: Any, served: Any) -> None:
    answer = {**LINEAGE, "samples": [[1]], "seed": 3, "latent": [[0.5]]}
    served.on("POST", "/models/m/samples", answer)
    assert json.loads(run("sample", "m", "--json").stdout) == answer
    assert served.sent() == {}


def test_sampling_needs_to_know_where_to(run: Any, served: Any, tmp_path: Path) -> None:
    assert "either --output for a picture or --json" in run("sample", "m", status=2).stderr
    served.on("POST", "/models/m/samples", picture())
    output = str(tmp_path / "nowhere" / "a.png")
    assert "cannot be written" in run("sample", "m", "-o", output, status=2).stderr


def test_text_is_printed_as_it_comes(run: Any, served: Any) -> None:
    whole = {**LINEAGE, "text": " a\u2028b", "finish_reason": "length", "seed": 1}
    served.on(
        "POST", "/models/bard/aliases/blue/generate", stream({"delta": " a\u2028"}, {"delta": "b"}, whole)
    )
    result = run(
        *("generate", "bard@blue", "Once", "--max-tokens", "9", "--temperature", "0.5", "--top-k", "3"),
        *("--top-p", "0.9", "--seed", "1", "--stop", ".", "--stop", "!"),
    )
    assert result.stdout == " a\u2028b\n"
    assert served.sent() == {
        "prompt": "Once", "stream": True, "max_tokens": 9, "temperature": 0.5, "top_k": 3, "top_p": 0.9,
        "seed": 1, "stop": [".", "!"],
    }  # fmt: skip
    served.on("POST", "/models/bard/generate", whole)
    assert json.loads(run("generate", "bard", "Once", "--json").stdout) == whole
    assert served.sent() == {"prompt": "Once"}


def test_a_model_that_does_not_write_is_an_error(run: Any, served: Any) -> None:
    problem = {"detail": "Version 1 cannot be asked for generate; it answers predict.", "code": "x"}
    served.on("POST", "/models/m/generate", problem, status=409)
    assert "it answers predict" in run("generate", "m", "Once", status=1).stderr


def test_codes_go_out_and_come_back(run: Any, served: Any, tmp_path: Path) -> None:
    served.on("POST", "/models/m/encode", {**LINEAGE, "codes": [[0.5, 2]]})
    image, codes = tmp_path / "seven.png", tmp_path / "codes.json"
    image.write_bytes(PNG)
    assert "0.5, 2" in run("encode", "m", str(image)).stdout
    codes.write_text(run("encode", "m", "--rows", "-", "--json", typed="[[1]]").stdout)
    decoded = {**LINEAGE, "reconstructions": [[1]]}
    served.on("POST", "/models/m/decode", decoded)
    assert json.loads(run("decode", "m", str(codes)).stdout) == decoded
    assert served.sent() == {"codes": [[0.5, 2]]}
    served.on("POST", "/models/m/decode", picture())
    run("decode", "m", str(codes), "-o", str(tmp_path / "decoded.png"))
    assert (tmp_path / "decoded.png").read_bytes() == PNG


def test_reconstructions_are_drawn_or_judged(run: Any, served: Any, tmp_path: Path) -> None:
    image, again = tmp_path / "seven.png", tmp_path / "again.png"
    image.write_bytes(PNG)
    served.on(
        "POST", "/models/m/reconstruct", {**LINEAGE, "reconstructions": [[1]], "errors": [0.125]}, picture()
    )
    assert "0.125" in run("reconstruct", "m", str(image)).stdout
    run("reconstruct", "m", str(image), "--output", str(again))
    assert again.read_bytes() == PNG
    assert "the rows of one file" in run(
        "reconstruct", "m", str(image), str(image), "-o", str(again), status=2
    ).stderr  # fmt: skip


def test_anomalies_are_named_by_row(run: Any, served: Any) -> None:
    verdicts = [
        {"score": 0.5, "threshold": 0.25, "is_anomaly": True},
        {"score": 0.125, "threshold": 0.25, "is_anomaly": False},
    ]
    served.on("POST", "/models/m/anomalies", {**LINEAGE, "anomalies": verdicts})
    lines = run("anomalies", "m", "--rows", "-", typed="[[1], [2]]").stdout.splitlines()
    assert [line.split() for line in lines if line.split()[:1] == ["row"]] == [
        ["row", "0", "yes", "0.5", "0.25"],
        ["row", "1", "no", "0.125", "0.25"],
    ]


@pytest.mark.parametrize("command", ["encode", "reconstruct", "anomalies"])
def test_rows_come_from_one_source(run: Any, served: Any, command: str) -> None:
    assert "give either files or --rows" in run(command, "m", status=2).stderr
