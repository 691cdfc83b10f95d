import re
from typing import Any

import pytest

METHODS = {"get", "post", "put", "patch", "delete"}


def test_every_address_of_the_api_refuses_a_parameter_that_it_does_not_know(module_service: Any) -> None:
    with module_service.client("admin") as client:
        paths = client.get("/openapi.json").json()["paths"]
        asked = 0
        for path, operations in paths.items():
            if not path.startswith("/api/v1/"):
                continue
            for method in METHODS & operations.keys():
                address = re.sub(r"{\w+}", "7", path)
                answer = client.request(method, address, params={"nonsense": "1"})
                assert answer.status_code == 422, (method, path, answer.text)
                problem = answer.json()
                assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
                    ("nonsense", "unknown_parameter")
                ]
                known = [
                    each["name"] for each in operations[method].get("parameters", []) if each["in"] == "query"
                ]
                assert all(name in problem["detail"] for name in known), (method, path)
                asked += 1
        assert asked > 50


@pytest.mark.parametrize("address", ["/healthz?a=1", "/docs?a=1", "/v1/models?a=1", "/v2?a=1"])
def test_what_is_not_the_api_takes_any(module_service: Any, address: str) -> None:
    with module_service.client("admin") as client:
        assert client.get(address).status_code == 200


def test_parameters_that_are_known_pass_whatever_they_look_like(module_service: Any) -> None:
    with module_service.client("admin") as client:
        assert client.get("/api/v1/jobs?state=queued&state=running&limit=1&model=x").status_code == 200
        assert client.get("/api/v1/jobs", params={"l%69mit": "1"}).status_code == 422
        assert client.get("/api/v1/jobs?l%69mit=1").status_code == 200
        assert client.get("/api/v1/jobs?").status_code == 200
