from typing import Any

import pytest

from app.database import Database
from app.tables import Dataset

# Where no query differs between the databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def digits(rows: Any, database: Database) -> Any:
    """Adds ready versions of the dataset ``digits``."""
    with database.write() as session:
        session.add(Dataset(id="ds_1", owner="local", name="digits", kind="images"))
    return lambda **columns: rows.version(dataset="ds_1", **columns)


def refusal(answer: Any, status: int = 409) -> tuple[str, str]:
    assert answer.status_code == status, answer.text
    return answer.json()["code"], answer.json()["detail"]


@pytest.mark.parametrize(
    ("task", "measure", "present", "asked", "is_worse"),
    [
        ("classification", "accuracy", 0.9, 0.89, True),
        ("classification", "accuracy", 0.9, 0.9, False),
        ("classification", "accuracy", 0.9, 0.91, False),
        ("regression", "rmse", 2.0, 2.1, True),
        ("regression", "rmse", 2.0, 1.9, False),
        ("forecasting", "rmse", 2.0, 2.1, True),
        ("generation", "perplexity", 3.0, 3.1, True),
        ("generation", "perplexity", 3.0, 2.9, False),
    ],
)
def test_a_worse_version_is_refused(
    aliases: Any, published: Any, digits: Any, task: str, measure: str, present: float, asked: float,
    is_worse: bool,
) -> None:  # fmt: skip
    version = digits()
    published.version(version=version, task=task, metrics={measure: present})
    published.version(version=version, task=task, metrics={measure: asked}, promote="never")
    answer = aliases.put(2, not_worse_on="digits")
    if is_worse:
        code, detail = refusal(answer)
        assert (code, answer.json()["measure"]) == ("worse", measure)
        assert f"its {measure} is {asked:g}, not {present:g}" in detail
        assert aliases.get().json()["version"] == 1
        assert aliases.put(2).status_code == 200
    else:
        assert answer.json()["version"] == 2


def test_where_an_alias_points_nowhere_yet_nothing_can_be_worse(
    aliases: Any, published: Any, digits: Any
) -> None:
    published.version(version=digits(), metrics={"accuracy": 0.1})
    assert aliases.put(1, "stable", not_worse_on="digits").status_code == 200


def test_versions_that_were_measured_elsewhere_cannot_be_compared(
    aliases: Any, published: Any, digits: Any
) -> None:
    published.version(version=digits())
    published.version(version=digits(), promote="never")
    code, detail = refusal(aliases.put(2, not_worse_on="digits@1"))
    assert code == "not_measured"
    assert "Version 2 was not measured on digits@1 but on digits@2" in detail
    assert "Version 1 was not measured on digits@2" in refusal(aliases.put(2, not_worse_on="digits"))[1]
    assert aliases.get().json()["version"] == 1


def test_the_same_rows_under_another_number_are_the_same(aliases: Any, published: Any, digits: Any) -> None:
    published.version(version=digits(digest="sha256:1"), metrics={"accuracy": 0.9})
    published.version(version=digits(digest="sha256:1"), metrics={"accuracy": 0.8}, promote="never")
    for reference in ("digits@1", "digits@2"):
        assert refusal(aliases.put(2, not_worse_on=reference))[0] == "worse"


def test_without_test_rows_or_a_figure_there_is_nothing_to_compare(
    aliases: Any, published: Any, digits: Any
) -> None:
    without = digits(schema={"kind": "images", "rows": 4, "test_rows": 0})
    for _ in range(2):
        published.version(version=without)
    assert "has no test rows" in refusal(aliases.put(1, not_worse_on="digits"))[1]
    version = digits()
    published.version("other", version=version)
    published.version("other", version=version, metrics={}, promote="never")
    others = type(aliases)(aliases.client, "other")
    assert "has no accuracy on digits@2" in refusal(others.put(2, not_worse_on="digits@2"))[1]


def test_what_is_made_up_is_not_compared(aliases: Any, published: Any, digits: Any) -> None:
    version = digits()
    for _ in range(2):
        published.version(version=version, task="sampling", metrics={"frechet_distance": 1.0})
    code, detail = refusal(aliases.put(1, not_worse_on="digits"))
    assert code == "not_comparable"
    assert "classification, regression, forecasting, generation" in detail


def test_a_dataset_that_is_not_there_is_pointed_at(aliases: Any, published: Any, digits: Any) -> None:
    published.version(version=digits())
    for reference in ("none", "digits@7"):
        answer = aliases.put(1, not_worse_on=reference)
        assert refusal(answer, 422)
        assert answer.json()["errors"][0]["pointer"] == "/not_worse_on"
    assert aliases.put(1, not_worse_on="No Name").status_code == 422
