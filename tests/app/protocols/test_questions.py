import numpy as np
import pytest

from app.keys.scopes import SCOPES
from app.protocols.native import ROUTES
from app.protocols.questions import QUESTIONS

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("role", "answers"),
    [
        ("predict", ["predict"]),
        ("reconstruct", ["reconstruct", "anomalies"]),
        ("sample", ["samples"]),
        ("step", ["predict", "generate"]),
    ],
)
async def test_who_asks_for_something_else_is_told_what_there_is(client, registry, made, role, answers):
    alone = made.role(role, {"vector": (2,)}, {"values": (2,)})
    alone.node("Identity", ["vector"], ["values"])
    artifact = made.artifact([alone], {role: {"vector": np.ones((1, 2), np.float32)}}, task="regression")
    registry.publish("thing", **artifact)
    for question in QUESTIONS.keys() - set(answers):
        answer = await client.post(f"/api/v1/models/thing/{question}", content=b"{}")
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (409, "role_not_served")
        assert f"cannot be asked for {question}; it answers {', '.join(answers)}." in problem["detail"]
        assert (problem["answers"], problem["roles"]) == (answers, [role])


def test_every_question_needs_the_scope_of_predictions():
    assert {SCOPES[route] for route in ROUTES} == {"predict"}
    assert len(ROUTES) == 3 * len(QUESTIONS)
