"""The demo as a newcomer runs it, and the service that it leaves behind."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

import keraforge

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

ROOT = Path(__file__).parents[2]
UP = "Ctrl-C stops it."
KERAS_ANSWERS = """
import sys
import keras, numpy as np
network = keras.models.load_model(sys.argv[1])
np.save(sys.argv[2], network.predict(np.load(sys.argv[3]).astype("float32"), verbose=0))
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, command: Callable[..., Any]) -> Iterator[Any]:
    """The first run of the demo in a new folder, up until the module's tests are done."""
    started = command(
        tmp_path_factory.mktemp("demo") / "data", ["demo", "--port", "0"], KERAFORGE_WARM_START="true"
    )
    started.wait_for(UP)
    yield started
    started.kill()


@pytest.fixture
def client(demo: Any) -> Iterator[keraforge.Client]:
    with keraforge.Client(data_dir=demo.folder) as client:
        yield client


@pytest.fixture(scope="module")
def kept_rows(demo: Any) -> tuple[np.ndarray, list[str]]:
    """The test rows of the digits, as the service shows them, and their labels."""
    with keraforge.Client(data_dir=demo.folder) as client:
        rows: list[dict[str, Any]] = []
        while (page := client.datasets.preview("digits", 1, offset=len(rows), limit=100))["rows"]:
            rows += page["rows"]
    kept = [row for row in rows if row["split"] == "test"]
    return np.array([row["values"] for row in kept]), [row["label"] for row in kept]


def test_it_tells_the_whole_story(demo: Any) -> None:
    (accuracy,) = re.findall(r"✓ Test +accuracy (\S+) on 360 images", demo.output)
    assert float(accuracy) >= 0.97
    assert (
        "✓ Dataset   digits@1: 1,797 images of 8 by 8 pixels in 10 classes, 360 of them kept" in demo.output
    )
    assert re.search(r"cnn-small: epoch 1/\d+  loss \d\.\d{4}  accuracy 0\.\d{4}", demo.output)
    assert re.search(r"✓ Predict   test image \d+: the answer is \d, with probability \d+\.\d%", demo.output)
    assert "██" in demo.output
    assert (demo.folder / "url").read_text().strip() in demo.output
    assert (demo.folder / "api-key").read_text().strip() not in demo.output


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_with_curl_work_as_they_are_printed(demo: Any) -> None:
    commands = re.findall(r"^ +(curl .*)$", demo.output, re.MULTILINE)
    assert len(commands) == 3
    answers = [
        json.loads(subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout)
        for line in commands
    ]
    assert answers[0]["predictions"][0]["label"] in answers[0]["labels"]
    assert answers[1]["name"] == "digits"
    assert answers[2]["items"][0]["kind"] == "training"


def test_the_commands_of_the_command_line_work_as_they_are_printed(demo: Any) -> None:
    export, show = re.findall(r"^ +(export .*|\S*keraforge models .*)$", demo.output, re.MULTILINE)
    run = subprocess.run(["bash", "-c", f"{export}; {show} --json"], capture_output=True, check=True)
    assert json.loads(run.stdout)["aliases"] == {"champion": 1}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_first_requests_of_the_readme_work(
    demo: Any, client: keraforge.Client, kept_rows: tuple[np.ndarray, list[str]], tmp_path: Path
) -> None:
    image = np.uint8(kept_rows[0][0, :, :, 0] * 15)
    Image.fromarray(image).resize((64, 64)).save(tmp_path / "seven.png")
    block = (ROOT / "README.md").read_text().partition("```sh\n")[2].partition("```")[0]
    (job,) = client.jobs.list(kind="training", limit=1)
    script = block.replace("var/", f"{demo.folder}/").replace("/JOB/", f"/{job.id}/")
    # What fails is to end the script, and events are to be seen apart from answers.
    told = 'set -eu; curl() { command curl --fail --silent --show-error "$@"; echo; }\n'
    run = subprocess.run(["bash", "-c", told + script], capture_output=True, check=True, cwd=tmp_path)
    by_rows, by_image, submitted, *events = run.stdout.decode().splitlines()
    assert json.loads(by_rows)["predictions"]
    assert json.loads(by_image)["predictions"][0]["label"] == kept_rows[1][0]
    assert json.loads(submitted)["request"]["network"] == {"preset": "cnn-small", "dropout": 0.4}
    assert any('"type":"epoch"' in line for line in events)
    with suppress(keraforge.Conflict):
        client.jobs.cancel(json.loads(submitted)["id"])


def test_the_served_answers_are_those_of_keras(
    demo: Any, client: keraforge.Client, kept_rows: tuple[np.ndarray, list[str]], tmp_path: Path
) -> None:
    rows, labels = kept_rows
    assert len(rows) == 360
    answer = client.predict("digits", rows)
    version = client.models.version("digits", 1)
    (file,) = (file for file in version.files if file["path"] == "network.keras")
    headers = {"Authorization": f"Bearer {(demo.folder / 'api-key').read_text().strip()}"}
    url = (demo.folder / "url").read_text().strip()
    (tmp_path / "network.keras").write_bytes(httpx.get(url + file["href"], headers=headers).content)
    np.save(tmp_path / "rows.npy", rows)
    files = [str(tmp_path / name) for name in ("network.keras", "answers.npy", "rows.npy")]
    subprocess.run([sys.executable, "-c", KERAS_ANSWERS, *files], check=True, capture_output=True)
    expected = np.load(tmp_path / "answers.npy")
    served = np.array([each.probabilities for each in answer.predictions])
    assert np.abs(served - expected).max() < 1e-4
    assert (served.argmax(1) == expected.argmax(1)).all()
    right = np.mean([each.label == label for each, label in zip(answer.predictions, labels, strict=True)])
    assert right == pytest.approx(version.metrics["accuracy"])
    assert right >= 0.97


def test_the_web_process_stays_small(
    demo: Any, client: keraforge.Client, kept_rows: tuple[np.ndarray, list[str]]
) -> None:
    one = kept_rows[0][:1]
    for _ in range(1000):
        client.predict("digits", one)
    web = Path(f"/proc/{demo.pid_of('uvicorn')}")
    assert "tensorflow" not in (web / "maps").read_text()
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", (web / "status").read_text())
    assert int(kilobytes) <= 160 * 1024


def test_a_job_whose_worker_is_killed_goes_on_in_the_next(demo: Any, client: keraforge.Client) -> None:
    training = {"epochs": 10_000, "early_stopping": None}
    job = client.train(model="other", dataset="digits", network={"preset": "cnn-small"}, training=training)
    for event in client.jobs.watch(job.id):
        if event.type == "epoch":
            break
    os.kill(demo.pid_of("workers.celery_app"), signal.SIGKILL)
    for later in client.jobs.watch(job.id, after=event.id):
        if later.type == "epoch" and client.jobs.get(job.id).attempt > 1:
            break
    client.jobs.cancel(job.id)
    with pytest.raises(keraforge.JobFailed) as ended:
        client.jobs.wait(job.id, timeout=60)
    assert ended.value.code == "cancelled"


def test_ctrl_c_and_a_second_run_leave_nothing(demo: Any, command: Callable[..., Any]) -> None:
    demo.process.send_signal(signal.SIGINT)
    assert demo.ended() == 0
    assert demo.relatives() == {}
    assert "Traceback" not in demo.output

    again = command(demo.folder, ["demo", "--exit", "--port", "0"], KERAFORGE_WARM_START="true")
    try:
        assert again.ended() == 0, again.output
        assert "✓ Dataset   digits@1:" in again.output
        assert "✓ Training  digits@2:" in again.output
        assert UP not in again.output
        assert again.relatives() == {}
        assert not (again.folder / "url").exists()
    finally:
        again.kill()


def test_a_demo_that_cannot_start_says_why_in_one_line(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = run("demo", "--port", str(port))
        assert failed.ended() == 1
    assert failed.output.splitlines()[-1] == (
        f"Error: Port {port} of 127.0.0.1 is in use. "
        "Choose another with --port, or let --port 0 take a free one."
    )
    assert failed.relatives() == {}
