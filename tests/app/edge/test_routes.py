import pytest

from app.edge.routes import RouteTable

SCOPES = {
    "GET /jobs": "jobs:read",
    "POST /jobs": "jobs:write",
    "GET /jobs/{job_id}": "jobs:read",
    "GET /jobs/special": "admin",
    "GET /jobs/{job_id}/files/{path:path}": "jobs:read",
    "GET /numbers/{n:int}": "jobs:read",
}


@pytest.fixture(scope="module")
def table() -> RouteTable:
    return RouteTable(SCOPES, SCOPES)


def test_a_route_without_an_entry_stops_the_start() -> None:
    with pytest.raises(
        ValueError, match=r"without an entry: \['GET /forgotten'\]; entries without a route: \[\]"
    ):
        RouteTable(SCOPES, [*SCOPES, "GET /forgotten"])


def test_an_entry_without_a_route_stops_the_start() -> None:
    with pytest.raises(ValueError, match=r"without an entry: \[\]; entries without a route: \['GET /gone'\]"):
        RouteTable({**SCOPES, "GET /gone": "admin"}, SCOPES)


def test_a_request_that_can_mean_two_routes_means_both(table: RouteTable) -> None:
    matched = table.match("GET", "/jobs/special")
    assert [route.name for route in matched.routes] == ["GET /jobs/special", "GET /jobs/{job_id}"]
    assert matched.name == "GET /jobs/special"


def test_parameters_are_those_of_the_route_that_is_meant(table: RouteTable) -> None:
    assert table.match("GET", "/jobs/7").parameters == {"job_id": "7"}
    assert table.match("GET", "/numbers/7").parameters == {"n": 7}
    assert table.match("GET", "/jobs/7/files/a/b.png").parameters == {"job_id": "7", "path": "a/b.png"}


def test_all_methods_of_a_path_are_known_whichever_is_asked(table: RouteTable) -> None:
    for method in ("GET", "POST", "PUT", "BREW"):
        assert table.match(method, "/jobs").methods == ("GET", "HEAD", "POST")
    assert table.match("PUT", "/jobs").routes == ()


@pytest.mark.parametrize(
    "path", ["/", "/job", "/jobs/", "//jobs", "/jobs/1/2", "/JOBS", "/numbers/x", "*", ""]
)
def test_any_other_path_means_nothing(table: RouteTable, path: str) -> None:
    matched = table.match("GET", path)
    assert (matched.routes, matched.methods, matched.name) == ((), (), "")


def test_a_long_path_is_matched_like_a_short_one(table: RouteTable) -> None:
    assert table.match("GET", "/jobs/" + "x" * 1000).name == "GET /jobs/{job_id}"
