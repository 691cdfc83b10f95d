import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.keys import scopes
from app.main import FEATURES, create_app
from app.prepare import prepare
from app.settings import Settings

# What only training needs, and Celery's half that runs tasks.
NEVER_LOADED = {
    "tensorflow",
    "keras",
    "sklearn",
    "matplotlib",
    "onnx",
    "tf2onnx",
    "celery.worker",
    "celery.concurrency",
    "billiard.pool",
    "fastapi_offline",
    "workers",
}
MOST_MEBIBYTES = 140

START = """
import json, sys, threading, time, urllib.request
import uvicorn
from app.main import create_app
from app.settings import Settings

settings = Settings(_env_file=None, data_dir=sys.argv[1])
server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, ws="none", log_config=None))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
key = {"Authorization": "Bearer " + settings.key_file.read_text().strip()}


def get(path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=key)
    return urllib.request.urlopen(request, timeout=30).status


deadline = time.monotonic() + 30
while True:
    try:
        ready = get("/readyz")
        break
    except urllib.error.HTTPError:
        assert time.monotonic() < deadline
        time.sleep(0.01)
with open("/proc/self/status") as status:
    kibibytes = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
statuses = [get(path) for path in ("/api/v1/jobs", "/api/v1/models", "/openapi.json", "/docs")]
server.should_exit = True
thread.join()
told = {"ready": ready, "mebibytes": kibibytes / 1024, "statuses": statuses, "modules": list(sys.modules)}
print(json.dumps(told))
"""


def test_the_web_process_is_small_and_loads_nothing_that_trains(settings: Settings, tmp_path: Path) -> None:
    prepare(settings)
    # From a folder without the source tree: what is installed must be enough.
    command = [sys.executable, "-P", "-c", START, str(settings.data_dir)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    told = json.loads(run.stdout.splitlines()[-1])
    assert (told["ready"], told["statuses"]) == (200, [200] * 4)
    assert NEVER_LOADED & set(told["modules"]) == set()
    assert told["mebibytes"] < MOST_MEBIBYTES


def test_a_route_that_no_scope_names_stops_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(scopes.SCOPES, "GET /api/v1/jobs")
    with pytest.raises(ValueError, match=r"routes without an entry: \['GET /api/v1/jobs'\]"):
        create_app(settings)


def test_a_scope_that_names_no_route_stops_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(scopes.SCOPES, "GET /api/v1/forgotten", "admin")
    with pytest.raises(ValueError, match=r"entries without a route: \['GET /api/v1/forgotten'\]"):
        create_app(settings)


def test_every_feature_has_documented_routes() -> None:
    framework = FastAPI()
    for router in FEATURES:
        framework.include_router(router)
    operations = [
        operation for operations in framework.openapi()["paths"].values() for operation in operations.values()
    ]
    assert [operation for operation in operations if not operation.get("tags")] == []


def test_work_that_is_committed_rings_for_a_worker(
    settings: Settings, listening: Callable[..., Any], until: Callable[..., Any]
) -> None:
    prepare(settings)
    served = listening(create_app(settings))
    headers = {"Authorization": f"Bearer {settings.key_file.read_text().strip()}"}
    new = {"name": "digits", "kind": "images", "builtin": "digits"}
    assert httpx.post(f"{served.url}/api/v1/datasets", json=new, headers=headers).status_code == 202
    until(lambda: list((settings.data_dir / "broker").rglob("*.msg")), "a message in the broker's folder")
