import numpy as np
import pytest

from app.serving.loaded import NotServable, load
from app.serving.role import CHUNK_ROWS


def test_a_version_answers_as_its_graph_was_made(registry):
    version = registry.publish(seed=3)
    loaded = load(version, registry.store)
    rows = np.random.default_rng(1).uniform(0, 16, (5, 8, 8, 1)).astype(np.float32)
    answer = loaded.roles["predict"].run({"image": rows})["probabilities"]
    np.testing.assert_allclose(answer, registry.graphs[version.id].answer(rows), atol=1e-6)
    assert (loaded.model, loaded.number, loaded.job) == ("digits", 1, version.job_id)
    assert 0 < loaded.roles["predict"].row_seconds < 1


@pytest.mark.parametrize("rows", [CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS + 5])
def test_a_batch_in_pieces_answers_in_order(registry, rows):
    version = registry.publish()
    batch = np.random.default_rng(2).uniform(0, 16, (rows, 8, 8, 1)).astype(np.float32)
    answer = load(version, registry.store).roles["predict"].run({"image": batch})["probabilities"]
    np.testing.assert_allclose(answer, registry.graphs[version.id].answer(batch), atol=1e-6)


def test_no_more_rows_run_at_once_than_a_piece_holds(registry, monkeypatch):
    loaded = load(registry.publish(), registry.store).roles["predict"]
    sizes = []
    session = loaded._session

    class Counting:
        def run(self, names, inputs):
            sizes.append(len(inputs["image"]))
            return session.run(names, inputs)

    monkeypatch.setattr(loaded, "_session", Counting())
    loaded.run({"image": np.zeros((150, 8, 8, 1), np.float32)})
    assert sizes == [32, 32, 32, 32, 22]


@pytest.mark.parametrize("path", ["predict.onnx", "golden.npz"])
def test_a_damaged_file_is_not_served(registry, path):
    version = registry.publish()
    registry.damage(version, path)
    with pytest.raises(NotServable, match=f"{path} is damaged"):
        load(version, registry.store)


@pytest.mark.parametrize("path", ["predict.onnx", "golden.npz"])
def test_a_missing_file_is_not_served(registry, path):
    version = registry.publish()
    registry.damage(version, path).unlink()
    with pytest.raises(NotServable, match=f"{path} cannot be read"):
        load(version, registry.store)


def test_an_artifact_without_golden_rows_is_not_served(registry):
    with pytest.raises(NotServable, match="no file golden"):
        load(registry.publish(files={"golden.npz": b""}), registry.store)


def test_a_graph_that_answers_otherwise_than_when_published_is_not_served(registry):
    other = registry.graphs[registry.publish(seed=1).id].golden()
    with pytest.raises(NotServable, match="differs"):
        load(registry.publish(seed=2, files={"golden.npz": other}), registry.store)


@pytest.mark.parametrize("content", [b"not a graph", b"\x08\x09"])
def test_what_is_no_graph_is_not_served(registry, content):
    with pytest.raises(NotServable, match="cannot be loaded"):
        load(registry.publish(files={"predict.onnx": content}), registry.store)
