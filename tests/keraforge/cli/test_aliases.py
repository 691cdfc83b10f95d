import json
from typing import Any


def test_an_alias_can_be_moved(run: Any, served: Any) -> None:
    served.on("PUT", "/models/digits/aliases/champion", {"version": 2})
    run("models", "alias", "digits", "champion", "2")
    assert served.sent() == {"version": 2, "force": False}


def test_an_alias_is_moved_with_care_and_back(run: Any, served: Any) -> None:
    path = "/models/digits/aliases/champion"
    served.on("PUT", path, {"model": "digits", "alias": "champion", "version": 3})
    run("models", "alias", "digits", "champion", "3", "--not-worse-on", "digits@2")
    assert served.sent() == {"version": 3, "force": False, "not_worse_on": "digits@2"}
    served.on("POST", f"{path}/rollback", {"model": "digits", "alias": "champion", "version": 2})
    assert "2" in run("models", "rollback", "digits").stdout
    assert served.sent() == {"force": False}
    assert json.loads(run("models", "rollback", "digits", "--force", "--json").stdout)["version"] == 2
    assert served.sent() == {"force": True}
