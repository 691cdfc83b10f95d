import numpy as np
import pytest

from app.serving.loaded import NotServable, load

CODES = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def autoencoder(made, **golden):
    """Codes are the first two of four numbers; decoded they are put side by side twice."""
    select = np.array([[1, 0], [0, 1], [0, 0], [0, 0]], np.float32)
    twice = np.array([[1, 0, 1, 0], [0, 1, 0, 1]], np.float32)
    encode = made.role("encode", {"vector": (4,)}, {"codes": (2,)})
    encode.node("MatMul", ["vector", encode.constant(select)], ["codes"])
    decode = made.role("decode", {"codes": (2,)}, {"reconstruction": (4,)})
    decode.node("MatMul", ["codes", decode.constant(twice)], ["reconstruction"])
    rows = np.arange(8, dtype=np.float32).reshape(2, 4)
    return {"encode": {"vector": rows}, "decode": {"codes": CODES}}, encode, decode


def test_every_role_has_its_own_graph(registry, made):
    examples, *roles = autoencoder(made)
    version = load(registry.publish(**made.artifact(roles, examples, task="reconstruction")), registry.store)
    codes = version.roles["encode"].run({"vector": np.array([[5, 6, 7, 8]], np.float32)})
    np.testing.assert_array_equal(codes["codes"], [[5, 6]])
    np.testing.assert_array_equal(version.roles["decode"].run(codes)["reconstruction"], [[5, 6, 5, 6]])
    assert all(role.row_seconds > 0 for role in version.roles.values())


def test_each_role_is_checked_against_its_own_golden_rows(registry, made):
    examples, *roles = autoencoder(made)
    wrong = made.artifact(roles, examples, task="reconstruction", change={"decode/reconstruction": 1.0})
    with pytest.raises(NotServable, match="reconstruction differs by 1"):
        load(registry.publish(**wrong), registry.store)


def test_only_the_outputs_that_are_named_are_computed(registry, made):
    role = made.role("reconstruct", {"vector": (2,)}, {"reconstruction": (2,), "error": ()})
    role.node("Identity", ["vector"], ["reconstruction"])
    role.node("ReduceMean", ["vector"], ["error"], axes=[1], keepdims=0)
    artifact = made.artifact([role], {"reconstruct": {"vector": CODES}}, task="reconstruction")
    loaded = load(registry.publish(**artifact), registry.store).roles["reconstruct"]
    assert set(loaded.run({"vector": CODES})) == {"reconstruction", "error"}
    many = np.tile(CODES, (40, 1))
    assert loaded.run({"vector": many}, ["error"])["error"].tolist() == [1.5, 3.5] * 40


TEXT = {"tokens": "word", "vocabulary": 3, "lowercase": False}


@pytest.mark.parametrize(
    ("tokens", "reason"), [(b'["", "\xef\xbf\xbd"]', "has 2 tokens"), (b"", "no file vocabulary.json")]
)
def test_a_vocabulary_that_does_not_fit_is_not_served(registry, made, tokens, reason):
    role = made.role("predict", {"text": ((2,), "int32")}, {"probabilities": (2,)})
    role.node("Cast", ["text"], ["probabilities"], to=1)
    examples = {"predict": {"text": np.ones((1, 2), np.int32)}}
    artifact = made.artifact([role], examples, text=TEXT, files={"vocabulary.json": tokens})
    with pytest.raises(NotServable, match=reason):
        load(registry.publish(**artifact), registry.store)


def test_a_bound_role_reads_and_writes_the_arrays_that_it_was_given(registry, made):
    role = made.role("encode", {"vector": (2,)}, {"codes": (2,)})
    role.node("Add", ["vector", "vector"], ["codes"])
    artifact = made.artifact([role], {"encode": {"vector": CODES}}, task="reconstruction")
    loaded = load(registry.publish(**artifact), registry.store).roles["encode"]
    vector, codes = np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32)
    run = loaded.bound({"vector": vector}, {"codes": codes})
    for value in (1.0, 2.0):
        vector[:] = value
        run()
        assert codes.tolist() == [[2 * value, 2 * value]]
