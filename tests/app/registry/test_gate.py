from concurrent.futures import ThreadPoolExecutor
from typing import Any


def test_an_alias_moves_only_to_what_answers_its_golden_rows(service: Any, registry: Any) -> None:
    registry.publish(seed=1)
    registry.publish(seed=2, alias=None)
    registry.damage(registry.publish(seed=3, alias=None), "predict.onnx")
    path = "/api/v1/models/digits/aliases/champion"
    with service.client("models:write", "models:read", "predict") as client:
        # The registry is read by then.
        assert client.get("/v2/models/digits").status_code == 200
        refused = client.put(path, json={"version": 3})
        assert (refused.status_code, refused.json()["code"]) == (409, "version_not_servable")
        assert "is damaged" in refused.json()["detail"]
        assert client.get(path).json()["version"] == 1
        assert client.put(path, json={"version": 2}).json()["version"] == 2
        missing = client.put(path, json={"version": 9})
        assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/version")
        assert client.put("/api/v1/models/none/aliases/champion", json={"version": 1}).status_code == 404


def test_an_alias_is_not_rolled_back_to_what_was_damaged_since(service: Any, registry: Any) -> None:
    first = registry.publish(seed=1)
    registry.publish(seed=2, alias=None)
    path = "/api/v1/models/digits/aliases/blue"
    with service.client("models:write", "models:read", "predict") as client:
        assert client.get("/v2/models/digits").status_code == 200
        for number in (1, 2):
            assert client.put(path, json={"version": number}).status_code == 200
        registry.damage(first, "predict.onnx")
        client.post("/v2/repository/models/digits/unload")
        refused = client.post(f"{path}/rollback")
        assert (refused.status_code, refused.json()["code"]) == (409, "version_not_servable")
        assert client.get(path).json()["version"] == 2


def test_rolling_back_twice_at_once_goes_nowhere_that_was_not_checked(service: Any, registry: Any) -> None:
    damaged = registry.publish(seed=1)
    for seed in (2, 3):
        registry.publish(seed=seed, alias=None)
    path = "/api/v1/models/digits/aliases/blue"
    with service.client("models:write", "models:read", "predict") as client:
        assert client.get("/v2/models/digits").status_code == 200
        for number in (1, 2, 3):
            assert client.put(path, json={"version": number}).status_code == 200
        registry.damage(damaged, "predict.onnx")
        client.post("/v2/repository/models/digits/unload")
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: client.post(f"{path}/rollback"), range(4)))
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [200, 409, 409, 409]
        assert client.get(path).json()["version"] == 2
