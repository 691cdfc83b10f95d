import json
from pathlib import Path
from typing import Any

import httpx
import pytest

VERSION = {
    "dataset": "digits",
    "number": 1,
    "state": "ready",
    "schema": {"rows": 1797, "test_rows": 360, "shape": [8, 8, 1], "labels": ["0", "1"]},
    "created_at": "2026-01-01T10:00:00.123Z",
}
DATASET = {"name": "digits", "kind": "images", "latest": VERSION, "created_at": "2026-01-01T10:00:00Z"}
JOB = {
    "id": "job_1",
    "kind": "training",
    "state": "succeeded",
    "model": "digits",
    "version": 3,
    "dataset": "digits@1",
    "progress": {"epoch": 4, "epochs": 9},
}
EPOCH = {"epoch": 1, "epochs": 2, "metrics": {"loss": 0.5, "val_accuracy": 0.9, "learning_rate": 0.001}}


MODEL_VERSION = {"model": "digits", "version": 3, "family": "cnn", "parameters": 7}
KEYS = {"items": [{"id": "k", "name": "n"}], "next_cursor": None}


def event(number: int, kind: str, **data: Any) -> dict[str, Any]:
    return {"id": number, "at": "2026-01-01T00:00:00Z", "type": kind, "data": data}


def stream(*events: dict[str, Any]) -> httpx.Response:
    text = "".join(f"id: {each['id']}\ndata: {json.dumps(each)}\n\n" for each in events)
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=text)


def test_without_a_service_the_folder_and_the_way_to_start_are_named(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAFORGE_DATA_DIR", str(tmp_path))
    result = run("jobs", "list", "--json", status=3)
    assert result.stdout == ""
    assert result.stderr.startswith(
        f"Error: Keraforge is not running: there is no file {tmp_path}/url. Start it with"
    )
    assert result.stderr.count("\n") == 1


def test_a_service_that_does_not_answer_is_named(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAFORGE_DATA_DIR", str(tmp_path))
    (tmp_path / "url").write_text("http://127.0.0.1:1\n")
    result = run("jobs", "list", status=3)
    assert "does not answer at http://127.0.0.1:1" in result.stderr
    assert str(tmp_path) in result.stderr


def test_a_refusal_names_the_fields_and_ends_with_status_1(run: Any, served: Any) -> None:
    errors = [{"pointer": "/training/epochs", "code": "too_small", "message": "must be at least 1"}]
    served.on("POST", "/jobs", {"detail": "1 field is [not] valid.", "errors": errors}, status=422)
    result = run(
        "train", "--model", "m", "--dataset", "d", "--preset", "cnn-small", "--epochs", "-1", status=1
    )
    assert result.stderr == "Error: 1 field is [not] valid.\n  /training/epochs: must be at least 1\n"
    assert served.sent()["training"] == {"epochs": -1}


def test_without_a_valid_key_it_is_said_where_keys_are_looked_for(run: Any, served: Any) -> None:
    served.on("GET", "/jobs", {"detail": "A valid key is required."}, status=401)
    assert "KERAFORGE_API_KEY" in run("jobs", "list", status=1).stderr


@pytest.mark.parametrize(
    ("arguments", "path", "answer", "wanted"),
    [
        (["datasets", "list"], "/datasets", {"items": [DATASET], "next_cursor": None}, [DATASET]),
        (["datasets", "show", "digits@1"], "/datasets/digits/versions/1", VERSION, VERSION),
        (["jobs", "list"], "/jobs", {"items": [JOB], "next_cursor": None}, [JOB]),
        (["jobs", "show", "job_1"], "/jobs/job_1", JOB, JOB),
        (["models", "show", "digits@3"], "/models/digits/versions/3", MODEL_VERSION, MODEL_VERSION),
        (["keys", "list"], "/keys", KEYS, KEYS["items"]),
    ],
)
def test_json_is_one_line_of_what_the_service_said(
    run: Any, served: Any, arguments: list[str], path: str, answer: Any, wanted: Any
) -> None:
    served.on("GET", path, answer)
    result = run(*arguments, "--json")
    assert json.loads(result.stdout) == wanted
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def test_datasets_are_a_table(run: Any, served: Any) -> None:
    served.on("GET", "/datasets", {"items": [DATASET], "next_cursor": None})
    output = run("datasets", "list").stdout
    assert output.split()[:7] == ["Name", "Kind", "Latest", "State", "Rows", "Shape", "Target"]
    assert output.split()[-10:-2] == ["digits", "images", "1", "ready", "1797", "8x8x1", "2", "classes"]


def test_creating_a_built_in_waits_until_it_is_read(run: Any, served: Any) -> None:
    served.on("POST", "/datasets", DATASET, status=202)
    served.on("GET", "/datasets/digits", DATASET)
    served.on("GET", "/datasets/digits/versions/1", {**VERSION, "state": "reading"}, VERSION)
    result = run("datasets", "create", "digits", "--builtin", "digits", "--seed", "5", "--json")
    assert json.loads(result.stdout)["state"] == "ready"
    assert served.sent(0) == {"name": "digits", "builtin": "digits", "options": {"seed": 5}}


def test_an_upload_shows_what_became_of_it(run: Any, served: Any, tmp_path: Path) -> None:
    file = tmp_path / "digits.npz"
    file.write_bytes(b"PK\x03\x04")
    served.on("GET", "/datasets/digits", DATASET)
    served.on("POST", "/datasets/digits/versions", {**VERSION, "state": "reading"}, status=202)
    served.on("GET", "/datasets/digits/versions/1", VERSION)
    output = run("datasets", "upload", "digits", str(file), "--test-fraction", "0.3").stdout
    assert "digits@1" in output
    assert "ready" in output
    assert served.requests[1].url.params["test_fraction"] == "0.3"


def test_options_of_reading_are_sent_as_they_are_meant(run: Any, served: Any, tmp_path: Path) -> None:
    file = tmp_path / "plants.csv"
    file.write_text("size,species\n")
    served.on("POST", "/datasets", {**DATASET, "name": "plants"}, status=201)
    served.on("POST", "/datasets/plants/versions", {**VERSION, "dataset": "plants"}, status=202)
    run(
        *("datasets", "upload", "plants", str(file), "--no-wait"),
        *("--set", "target=species", "--set", 'ignore=["id","name"]', "--set", "stratified=false"),
    )
    assert served.sent(1) == {"name": "plants", "kind": "table"}
    sent = served.requests[2].url.params
    assert (sent.get_list("target"), sent.get_list("ignore")) == (["species"], ["id", "name"])
    assert sent["stratified"] == "false"
    run("datasets", "upload", "plants", str(file), "--set", "target", status=2)


def test_training_follows_the_job_line_by_line_where_there_is_no_terminal(run: Any, served: Any) -> None:
    served.on("POST", "/jobs", {**JOB, "state": "queued"}, status=202)
    end = event(3, "state", state="succeeded")
    served.on(
        "GET",
        "/jobs/job_1/events",
        stream(event(1, "phase", phase="training"), event(2, "epoch", **EPOCH), end),
    )
    served.on("GET", "/jobs/job_1", JOB)
    result = run("train", "--model", "digits", "--dataset", "digits", "--preset", "cnn-small")
    assert result.stderr.splitlines() == [
        "job_1: training",
        "job_1: epoch 1/2  loss 0.5000  val_accuracy 0.9000",
    ]
    assert "digits@3" in result.stdout


def test_any_field_of_a_job_can_be_set(run: Any, served: Any, tmp_path: Path) -> None:
    served.on("POST", "/jobs", JOB, status=202)
    file = tmp_path / "job.json"
    file.write_text('{"model": "m", "dataset": "d", "network": {"preset": "cnn-modern", "dropout": 0.1}}')
    run(
        *("train", "--file", str(file), "--detach", "--dataset", "d@2", "--promote", "if_better"),
        *("--set", "network.dropout=0.4", "--set", "training.optimizer.name=sgd", "--set", "tags.why=a test"),
    )
    assert served.sent() == {
        "model": "m",
        "dataset": "d@2",
        "promote": "if_better",
        "network": {"preset": "cnn-modern", "dropout": 0.4},
        "training": {"optimizer": {"name": "sgd"}},
        "tags": {"why": "a test"},
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "m"], "missing --dataset, --preset"),
        (["--set", "nonsense"], "PATH=VALUE"),
        (["--set", "network=1", "--set", "network.dropout=1"], "network is a value"),
        (["--model", "m", "--dataset", "d", "--preset", "p", "--set", "modle=1"], "no field modle"),
        (["--file", "/nowhere.json"], "cannot be read as JSON"),
        (["--model", "m", "--dataset", "d", "--set", "network=[1]"], "network must be an object"),
    ],
)
def test_a_job_that_is_put_wrongly_is_not_sent(
    run: Any, served: Any, arguments: list[str], said: str
) -> None:
    assert said in run("train", *arguments, status=2).stderr
    assert served.requests == []


def test_detached_training_prints_the_job_alone(run: Any, served: Any) -> None:
    served.on("POST", "/jobs", JOB, status=202)
    assert run("train", "--model", "m", "--dataset", "d", "--preset", "p", "-d").stdout == "job_1\n"


def test_watching_a_job_that_fails_ends_with_status_1(run: Any, served: Any) -> None:
    error = {"code": "diverged", "message": "The loss is not a number.", "hint": "Lower the rate."}
    served.on("GET", "/jobs", {"items": [JOB], "next_cursor": None})
    served.on("GET", "/jobs/job_1/events", stream(event(1, "state", state="failed")))
    served.on("GET", "/jobs/job_1", {**JOB, "state": "failed", "error": error})
    result = run("jobs", "watch", "--json", status=1)
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [1]
    assert result.stderr == "Error: job_1 did not succeed: The loss is not a number. Lower the rate.\n"


def test_the_newest_job_is_meant_where_none_is_named(run: Any, served: Any) -> None:
    served.on("GET", "/jobs", {"items": [], "next_cursor": None}, {"items": [JOB], "next_cursor": None})
    assert "There is no job yet" in run("jobs", "show", status=1).stderr
    served.on("GET", "/jobs/job_1", JOB)
    assert "job_1" in run("jobs", "show").stdout


def test_cancelling_says_what_the_job_is_now(run: Any, served: Any) -> None:
    served.on("POST", "/jobs/job_1/cancel", {**JOB, "state": "cancelling"})
    assert "cancelling" in run("jobs", "cancel", "job_1").stdout


@pytest.mark.parametrize("verb", ["stop", "pause", "resume", "retry"])
def test_what_is_asked_of_a_job_is_asked_and_the_job_shown(run: Any, served: Any, verb: str) -> None:
    served.on("POST", f"/jobs/job_1/{verb}", {**JOB, "state": "pausing"}, status=202)
    assert "pausing" in run("jobs", verb, "job_1").stdout


def test_a_clone_is_submitted_with_what_differs(run: Any, served: Any) -> None:
    served.on("POST", "/jobs/job_1/clone", {**JOB, "id": "job_2"}, status=202)
    edits = ("--set", "training.epochs=20", "--set", "training.seed=null", "--set", "model=other")
    assert "job_2" in run("jobs", "clone", "job_1", *edits).stdout
    assert served.sent() == {"training": {"epochs": 20, "seed": None}, "model": "other"}
    run("jobs", "clone", "job_1")
    assert served.sent() == {}


def test_a_priority_is_changed_and_nothing_else(run: Any, served: Any) -> None:
    served.on("PATCH", "/jobs/job_1", JOB)
    run("jobs", "change", "job_1", "--priority", "0")
    assert served.sent() == {"priority": 0}


def test_a_log_is_printed_as_it_was_written_but_cannot_drive_the_terminal(run: Any, served: Any) -> None:
    message = "[red] 100 % :smile: \x1b[2J"
    line = {"id": 1, "at": "2026-01-01T10:00:00.5Z", "level": "info", "message": message}
    served.on("GET", "/jobs/job_1/logs", {"items": [line], "last_id": 1}, {"items": [], "last_id": 1})
    assert run("jobs", "logs", "job_1").stdout == (
        "2026-01-01 10:00:00  info     [red] 100 % :smile: \\x1b[2J\n"
    )


def test_a_new_key_is_the_only_thing_on_standard_output(run: Any, served: Any) -> None:
    served.on("POST", "/keys", {"id": "key_1", "name": "camera", "key": "kf_" + "x" * 300}, status=201)
    result = run("keys", "create", "camera", "--scope", "predict", "--scope", "jobs:read", "--days", "2")
    assert result.stdout == "kf_" + "x" * 300 + "\n"
    assert served.sent()["scopes"] == ["predict", "jobs:read"]
    assert served.sent()["expires_at"].endswith("+00:00")


def test_a_worker_is_drained_and_shown(run: Any, served: Any) -> None:
    worker = {"id": "worker_1", "state": "draining", "host": "forge", "process": 7, "jobs": ["job_1"]}
    served.on("POST", "/workers/worker_1/drain", {**worker, "slots": {"training": 1}}, status=202)
    shown = run("workers", "drain", "worker_1").stdout
    assert all(word in shown for word in ("worker_1", "draining", "forge", "job_1"))
    served.on("GET", "/workers", {"items": [], "next_cursor": None})
    assert "No workers." in run("workers", "list").stderr


def test_what_was_deleted_is_listed_and_restored(run: Any, served: Any) -> None:
    item = {"id": "ds_1", "kind": "dataset", "name": "digits", "deleted_at": "2026-01-01T10:00:00Z"}
    page = {"items": [{**item, "kept_until": "2026-01-31T10:00:00Z"}], "next_cursor": None}
    served.on("GET", "/trash", page, {"items": [], "next_cursor": None})
    shown = run("trash", "list").stdout
    assert all(word in shown for word in ("ds_1", "dataset", "digits", "2026-01-31"))
    assert "The trash is empty." in run("trash", "list").stderr
    served.on("POST", "/trash/ds_1/restore", None, status=204)
    assert "Restored ds_1." in run("trash", "restore", "ds_1").stderr


def test_every_command_has_help_with_its_words(run: Any) -> None:
    commands = [
        ["up"], ["migrate"], ["web"], ["worker"], ["demo"], ["train"], ["predict"],
        *(["datasets", name] for name in ("create", "upload", "list", "show", "delete")),
        *(["jobs", name] for name in ("list", "show", "watch", "logs", "cancel", "stop", "clone")),
        *(["trash", name] for name in ("list", "restore")),
        *(["gc", name] for name in ("plan", "run")),
        *(["models", name] for name in ("list", "show", "alias", "rollback")),
        *(["keys", name] for name in ("create", "list", "revoke")),
    ]  # fmt: skip
    for command in commands:
        assert f" {' '.join(command)} " in run(*command, "--help").stdout


def test_the_version_is_told(run: Any) -> None:
    assert run("--version").stdout == "0.1.0\n"
