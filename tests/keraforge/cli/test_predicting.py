import json
from pathlib import Path
from typing import Any

import pytest

ANSWER = {
    "model": "digits",
    "version": 3,
    "job": "job_1",
    "labels": ["0", "7"],
    "predictions": [{"label": "7", "probability": 0.9876, "probabilities": [0.0124, 0.9876]}],
}


def test_images_are_answered_one_by_one(run: Any, served: Any, tmp_path: Path) -> None:
    served.on("POST", "/models/digits/aliases/blue/predict", ANSWER)
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for file in files:
        file.write_bytes(b"\x89PNG")
    output = run("predict", "digits@blue", *map(str, files), "--invert", "no").stdout
    assert [str(file) in output for file in files] == [True, True]
    assert output.count("98.8%") == 2
    assert len(served.requests) == 2


def test_pictures_of_an_archive_are_shown_by_name(run: Any, served: Any, tmp_path: Path) -> None:
    (archive := tmp_path / "pictures.zip").write_bytes(b"PK\x03\x04")
    answer = {**ANSWER, "files": ["a.png", "b.png"], "predictions": ANSWER["predictions"] * 2}
    served.on("POST", "/models/digits/predict", answer)
    output = run("predict", "digits", str(archive)).stdout
    assert ("a.png" in output, "b.png" in output, output.count("98.8%")) == (True, True, 2)


@pytest.mark.parametrize("text", ["[[1, 2]]", '{"instances": [[1, 2]]}'])
def test_rows_come_from_a_file_or_from_standard_input(run: Any, served: Any, text: str) -> None:
    served.on("POST", "/models/digits/versions/3/predict", ANSWER)
    result = run("predict", "digits@3", "--rows", "-", "--json", typed=text)
    assert json.loads(result.stdout) == ANSWER
    assert served.sent() == {"instances": [[1, 2]]}


def test_an_image_that_is_refused_is_named(run: Any, served: Any, tmp_path: Path) -> None:
    served.on("POST", "/models/digits/predict", {"detail": "It is damaged."}, status=422)
    damaged, other = tmp_path / "a.png", tmp_path / "b.gif"
    damaged.write_bytes(b"\x89PNG")
    other.write_bytes(b"GIF89a")
    assert f"Error: {damaged}: It is damaged." in run("predict", "digits", str(damaged), status=1).stderr
    assert f"Error: {other}: Expected a PNG or JPEG" in run("predict", "digits", str(other), status=1).stderr


@pytest.mark.parametrize("command", [("predict", "digits", "--rows"), ("train", "--file")])
@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_json_is_a_wrong_use(
    run: Any, served: Any, tmp_path: Path, command: tuple[str, ...], content: bytes
) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(content)
    assert "cannot be read as JSON" in run(*command, str(file), status=2).stderr.replace("\n", " ")
    assert served.requests == []


def test_predicting_needs_one_source_of_rows(run: Any, served: Any, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a")
    for given in ((), (str(file), "--rows", "-"), (str(file), "--text", "a"), ("--rows", "-", "--text", "a")):
        assert "give either files or --rows or --text" in run("predict", "digits", *given, status=2).stderr
    assert served.requests == []


def test_classes_values_and_next_tokens_are_shown(run: Any, served: Any, tmp_path: Path) -> None:
    likely = {"label": " ", "probability": 0.5}
    top = {**likely, "top": [likely, {"label": "a", "probability": 0.25}]}
    served.on(
        "POST",
        "/models/m/predict",
        {**ANSWER, "predictions": [top]},
        {**ANSWER, "targets": ["price"], "predictions": [{"value": 24.5}, {"value": 3}]},
        {**ANSWER, "predictions": [{"values": [1.5, 2]}]},
    )
    output = run("predict", "m", "--text", "Once", "--top-k", "2", "--attention").stdout
    assert ("' ', a" in output, "50.0%, 25.0%" in output) == (True, True)
    assert dict(served.requests[-1].url.params) == {"top_k": "2", "attention": "true"}
    assert served.sent() == {"instances": ["Once"]}
    file = tmp_path / "houses.csv"
    file.write_text("area\n1\n2\n")
    output = run("predict", "m", str(file)).stdout
    assert ("price" in output, f"{file} 1" in output, "24.5" in output) == (True, True, True)
    assert served.requests[-1].headers["content-type"] == "text/csv"
    assert "1.5, 2" in run("predict", "m", "--rows", "-", typed="[[1]]").stdout
