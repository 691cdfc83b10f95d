"""KServe's client, as it is; it pins what we do not, so it lives in an environment of its own."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

ENVIRONMENT = Path("build/clients/kserve").absolute()
PROGRAM = Path(__file__).parent / "kserve" / "program.py"

pytestmark = pytest.mark.skipif(
    not (ENVIRONMENT / "ready").exists(),
    reason="KServe's client is not installed: `make test-clients` installs it below build/clients",
)


@pytest.fixture(scope="module")
def shown(served):
    """What the client's program wrote."""
    command = [ENVIRONMENT / "bin/python", "-P", PROGRAM, served.url, served.key]
    typed = json.dumps(served.rows.tolist())
    answer = subprocess.run(command, check=False, input=typed, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def test_the_server_and_its_models_are_ready(shown):
    assert [shown[name] for name in ("live", "ready", "model ready", "no model ready")] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("form", ["json", "binary", "binary both ways", "instances"])
def test_every_form_of_a_request_is_answered_the_same(shown, served, form):
    np.testing.assert_allclose(shown[form], served.expected(), atol=1e-6)


def test_answers_name_their_version_and_their_request(shown):
    for form in ("json", "binary", "binary both ways"):
        assert shown[f"{form} by"] == ["digits", "2", "r-9"]


def test_a_version_goes_into_the_name(shown, served):
    np.testing.assert_allclose(shown["plain"], served.expected(2), atol=1e-6)


def test_a_refusal_is_told_in_the_servers_words(shown):
    assert "Request for unknown model" in shown["refusal"]
