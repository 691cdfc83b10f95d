from app.serving.snapshot import Target, read_snapshot
from app.tables import ModelVersion, RegisteredModel
from app.tables.base import now


def snapshot_of(any_registry):
    with any_registry.database.read() as session:
        return read_snapshot(session)


def test_versions_are_found_by_number_and_by_every_alias(any_registry):
    first, second = any_registry.publish(), any_registry.publish()
    any_registry.point("stable", first)
    any_registry.point("older", first)
    assert snapshot_of(any_registry).targets == {
        Target("local", "digits", 1): first.id,
        Target("local", "digits", 2): second.id,
        Target("local", "digits", "champion"): second.id,
        Target("local", "digits", "stable"): first.id,
        Target("local", "digits", "older"): first.id,
    }


def test_owners_have_names_of_their_own(any_registry):
    mine, theirs = any_registry.publish(owner="me"), any_registry.publish(owner="them")
    targets = snapshot_of(any_registry).targets
    assert targets[Target("me", "digits")] == mine.id
    assert targets[Target("them", "digits")] == theirs.id


def test_deleted_models_and_versions_are_gone(any_registry):
    kept, deleted = any_registry.publish(), any_registry.publish(alias=None)
    other = any_registry.publish("other")
    with any_registry.database.write() as session:
        session.get_one(ModelVersion, deleted.id).deleted_at = now()
        session.get_one(RegisteredModel, other.model_id).deleted_at = now()
    assert set(snapshot_of(any_registry).targets.values()) == {kept.id}


def test_a_missing_target_is_explained(any_registry):
    any_registry.publish()
    any_registry.publish(alias="candidate")
    snapshot = snapshot_of(any_registry)
    unknown = snapshot.missing(Target("local", "digit"))
    assert (unknown.code, unknown.detail.split(".")[0]) == ("model_not_found", "There is no model 'digit'")
    number = snapshot.missing(Target("local", "digits", 7))
    assert number.code == "version_not_found"
    assert number.detail == "Model 'digits' has no version 7. It has 1, 2, candidate, champion."
    assert snapshot.missing(Target("local", "digits", "best")).code == "alias_not_found"
    assert snapshot.missing(Target("other", "digits")).code == "model_not_found"


def test_a_model_without_versions_is_known_as_such(any_registry):
    with any_registry.database.write() as session:
        session.add(RegisteredModel(id="model_1", owner="local", name="empty"))
    missing = snapshot_of(any_registry).missing(Target("local", "empty"))
    assert missing.detail == "Model 'empty' has no alias 'champion'. It has no version yet."
