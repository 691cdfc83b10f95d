import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.keys.scopes import PUBLIC, SCOPES
from app.pages.docs import FILES


@pytest.fixture(scope="module")
def client(module_service: Any) -> Iterator[httpx.Client]:
    with module_service.client("predict") as client:
        yield client


def test_the_page_loads_only_files_of_ours_that_are_there(client: httpx.Client) -> None:
    page = client.get("/docs")
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 4
    for path in files:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert len(answer.content) > 100
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_files_have_the_types_that_browsers_insist_on(client: httpx.Client) -> None:
    types = {name: client.get(f"/docs/{name}").headers["content-type"] for name in [*FILES, "start.js"]}
    assert types["swagger-ui.css"].startswith("text/css")
    assert types["swagger-ui-bundle.js"].startswith("text/javascript")
    assert types["start.js"].startswith("text/javascript")
    assert types["favicon.png"] == "image/png"


def test_the_pages_policy_allows_nothing_from_elsewhere_and_nothing_inline(client: httpx.Client) -> None:
    page = client.get("/docs")
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";") if part
    )
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert re.findall(r"<script(?![^>]*src=)|<style| style=| on\w+=", page.text) == []


@pytest.mark.parametrize("file", ["core.py", "redoc.standalone.js", "..%2fcore.py", "%2e%2e", "nothing"])
def test_no_other_file_is_served(client: httpx.Client, file: str) -> None:
    assert client.get(f"/docs/{file}").status_code == 404


def test_every_route_of_the_api_is_described(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    described = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    expected = {
        re.sub(r":path}", "}", name) for name in SCOPES if "/docs" not in name and "/login" not in name
    }
    assert described == expected - {"GET /openapi.json"}


def test_every_operation_says_what_key_it_needs(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    scopes = {re.sub(r":path}", "}", name): scope for name, scope in SCOPES.items()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            scope = scopes[f"{method.upper()} {path}"]
            assert ("security" in operation) == (scope != PUBLIC), path
            assert scope == PUBLIC or f"{scope}" in operation["description"].lower().replace("`", "")
            assert operation["summary"]
            assert len(operation["tags"]) == 1


def test_the_description_refers_to_nothing_that_is_missing(client: httpx.Client) -> None:
    answer = client.get("/openapi.json")
    components = answer.json()["components"]["schemas"]
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', answer.text))
    assert referred <= components.keys()
    assert "Problem" in referred
    assert "HTTPValidationError" not in referred
    tags = {tag["name"] for tag in answer.json()["tags"]}
    operations = [each for path in answer.json()["paths"].values() for each in path.values()]
    assert {tag for operation in operations for tag in operation["tags"]} <= tags
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
