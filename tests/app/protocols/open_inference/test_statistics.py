import numpy as np
from tensors import error, tensor

ROWS = np.ones((3, 8, 8, 1), np.float32)
LEAVES = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")


def stats(client, path):
    answer = client.get(f"/v2/models/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()["model_stats"]


def ask(client, rows, which="", status=200):
    body = {"inputs": [tensor("image", rows)]}
    assert client.post(f"/v2/models/digits{which}/infer", json=body).status_code == status


def test_every_version_counts_what_it_was_asked(client, registry):
    registry.publish(seed=1)
    registry.publish(seed=2, alias="blue")
    ask(client, ROWS)
    ask(client, ROWS[:1])
    ask(client, ROWS, "/versions/blue")
    first, second = stats(client, "digits/stats")
    assert [(each["name"], each["version"]) for each in (first, second)] == [("digits", "1"), ("digits", "2")]
    assert (first["inference_count"], first["execution_count"]) == (4, 2)
    assert (second["inference_count"], second["execution_count"]) == (3, 1)
    times = first["inference_stats"]
    assert [times[leaf]["count"] for leaf in LEAVES] == [2, 0, 2, 2, 2, 2]
    assert times["cache_hit"] == times["cache_miss"] == {"count": 0, "ns": 0}
    assert times["success"]["ns"] >= times["compute_infer"]["ns"] > 0
    assert {each["batch_size"]: each["compute_infer"]["count"] for each in first["batch_stats"]} == {
        1: 1,
        3: 1,
    }
    assert first["last_inference"] > 1_600_000_000_000
    for which in ("2", "blue"):
        assert stats(client, f"digits/versions/{which}/stats") == [second]


def test_all_versions_that_were_asked_are_told_together(client, registry):
    registry.publish(seed=1)
    registry.publish("other", seed=2, owner="somebody else")
    ask(client, ROWS)
    found = {each["name"]: each["inference_count"] for each in stats(client, "stats")}
    assert found == {"digits": 3}


def test_a_version_that_nobody_asked_has_nothing_to_tell(client, registry):
    registry.publish(seed=1, alias=None)
    registry.publish(seed=2)
    # By its number it is looked for at once, even if the registry was read between the two.
    assert len(stats(client, "digits/versions/2/stats")) == 1
    first, _ = stats(client, "digits/stats")
    assert (first["version"], first["inference_count"], first["batch_stats"]) == ("1", 0, [])
    assert first["inference_stats"].keys() == {*LEAVES, "cache_hit", "cache_miss"}
    assert "Request for unknown model" in error(client.get("/v2/models/none/stats"), 404)
    assert "Request for unknown model" in error(client.get("/v2/models/digits/versions/9/stats"), 404)
    assert error(client.post("/v2/models/digits/stats"), 405)
