from typing import Any

import httpx
import pytest

from app.database import Database
from app.identifiers import new_id
from app.jobs.resolving import resolve_waiting
from app.registry import service
from app.settings import Settings
from app.storage import Store
from app.tables import Alias, Dataset, DatasetVersion, Job, ModelVersion, RegisteredModel
from workers.orders import order_of

# What differs between the databases is proved by other tests.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NETWORK = {"family": "cnn", "blocks": [{"filters": 4}, {"filters": 8}], "dense": [5]}
FILES = {
    name: {"sha256": letter * 64, "bytes": 1, "media_type": "application/zip"}
    for name, letter in (("network.keras", "a"), ("predict.onnx", "b"))
}


@pytest.fixture
def parent(rows: Any, digits: Dataset, jobs: Any) -> str:
    """The champion of the model ``reader``, version 1, trained on the digits."""
    job = jobs.submit(network=NETWORK)
    with rows.database.write() as session:
        model = RegisteredModel(id=new_id("model"), owner="local", name="reader")
        session.add(model)
        session.flush()
        version = ModelVersion(
            id=new_id("version"),
            owner="local",
            model_id=model.id,
            number=1,
            job_id=job["id"],
            dataset_version_id=session.get_one(Job, job["id"]).dataset_version_id,
            family="cnn",
            parameters=1,
            spec={name: job["resolved"][name] for name in ("network", "training")},
            signature={},
            metrics={},
            parity={},
            files=FILES,
        )
        session.add(version)
        session.flush()
        session.add(Alias(model_id=model.id, name="champion", version_id=version.id))
        return version.id


def refusal(answer: httpx.Response) -> tuple[str, str]:
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    return error["pointer"], error["code"]


def test_a_job_starts_from_a_version_and_its_order_brings_the_weights(
    jobs: Any, parent: str, rows: Any, settings: Settings
) -> None:
    for reference in ("reader@1", "reader@champion"):
        job = jobs.submit(network=NETWORK | {"dense": [7]}, start_from=reference)
        assert job["request"]["start_from"] == reference
        assert job["resolved"]["start_from"] == {"version": "reader@1", "id": parent}
    store = Store(settings.data_dir)
    with rows.database.read() as session:
        order = order_of(session, session.get_one(Job, job["id"]), settings, store)
    assert order.start_from.version == "reader@1"
    assert order.start_from.files == {"network.keras": store.path("a" * 64)}
    assert [block.filters for block in order.start_from.network.blocks] == [4, 8]
    assert order.start_from.dataset_schema.shape == (8, 8, 1)


def test_the_version_that_comes_of_it_names_its_parent(jobs: Any, parent: str, rows: Any) -> None:
    with rows.database.write() as session:
        version = session.get_one(ModelVersion, parent)
        assert service.summaries(session, [version])[0].lineage.parent is None
        version.spec = version.spec | {"start_from": {"version": "reader@7", "id": "version_x"}}
        assert service.summaries(session, [version])[0].lineage.parent == "reader@7"


@pytest.mark.parametrize("reference", ["reader@2", "reader@best", "writer@1"])
def test_a_version_that_is_not_there_is_refused(jobs: Any, parent: str, reference: str) -> None:
    assert refusal(jobs.post(jobs.body(start_from=reference))) == ("/start_from", "not_found")


def test_a_version_of_somebody_else_is_not_there(jobs: Any, parent: str, rows: Any) -> None:
    with rows.database.write() as session:
        session.get_one(ModelVersion, parent).model.owner = "somebody"
    assert refusal(jobs.post(jobs.body(start_from="reader@1"))) == ("/start_from", "not_found")


@pytest.mark.parametrize("reference", ["reader", "reader@", "reader@0", "@1", "Reader@1", "a@b@c", 3])
def test_a_reference_names_one_version(jobs: Any, parent: str, reference: Any) -> None:
    assert refusal(jobs.post(jobs.body(start_from=reference)))[0] == "/start_from"


def test_a_network_without_any_layer_of_the_parent_is_refused(jobs: Any, parent: str) -> None:
    def said(network: dict[str, Any]) -> tuple[str, str]:
        return refusal(jobs.post(jobs.body(network=network, start_from="reader@1")))

    assert said({"family": "mlp"}) == ("/start_from", "wrong_family")
    assert said({"family": "cnn", "blocks": [3]}) == ("/start_from", "nothing_in_common")


def test_layers_that_are_not_there_cannot_be_frozen(jobs: Any, digits: Dataset) -> None:
    def said(*prefixes: str) -> tuple[str, str]:
        return refusal(jobs.post(jobs.body(network=NETWORK, training={"freeze": prefixes})))

    assert jobs.submit(network=NETWORK, training={"freeze": ["conv_"]})
    assert said("conv_", "pool") == ("/training/freeze/1", "unknown_layer")
    assert said("conv_", "dense_", "prob") == ("/training/freeze", "nothing_left")


def test_an_ensemble_needs_rows_that_none_of_its_members_has_seen(
    jobs: Any, digits: Dataset, rows: Any
) -> None:
    training = {"cross_validation": {"folds": 3, "ensemble": True}}
    assert jobs.submit(training=training)
    with rows.database.write() as session:
        version = session.query(DatasetVersion).filter_by(dataset_id=digits.id).one()
        version.schema = version.schema | {"test_rows": 0}
    place = "/training/cross_validation/ensemble"
    assert refusal(jobs.post(jobs.body(training=training))) == (place, "needs_test_rows")


def test_no_fold_is_left_without_a_row(jobs: Any, digits: Dataset, rows: Any) -> None:
    training = {"cross_validation": {"folds": 20}}
    assert jobs.submit(training=training)
    with rows.database.write() as session:
        version = session.query(DatasetVersion).filter_by(dataset_id=digits.id).one()
        version.schema, version.profile = version.schema | {"rows": 51}, None
    place = "/training/cross_validation/folds"
    assert refusal(jobs.post(jobs.body(training=training))) == (place, "too_few_rows")


def test_a_job_that_waited_starts_from_its_version_or_fails_where_that_is_gone(
    jobs: Any, parent: str, rows: Any, digits: Dataset, database: Database
) -> None:
    unread = rows.get(DatasetVersion, rows.version("reading", dataset=digits.id, schema=None))
    waiting = [jobs.submit(f"digits@{unread.number}", network=NETWORK, start_from="reader@1") for _ in "ab"]
    schema = rows.get(DatasetVersion, rows.version(dataset=digits.id)).schema
    with database.write() as session:
        version = session.get_one(DatasetVersion, unread.id)
        version.state, version.schema = "ready", schema
        other = session.get_one(Job, waiting[1]["id"])
        other.request = other.request | {"start_from": "reader@9"}
        session.flush()
        resolve_waiting(session, version, max_parameters=10**8)
    assert jobs.get(waiting[0]["id"])["resolved"]["start_from"]["version"] == "reader@1"
    failed = jobs.get(waiting[1]["id"])
    assert (failed["state"], failed["error"]["code"]) == ("failed", "bad_data")
    assert "no version 9" in failed["error"]["message"]
