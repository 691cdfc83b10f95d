from typing import Any

from models.compiling import uses_xla
from models.schema import InputSchema
from models.specs.cnn import CnnSpec
from models.specs.dense import DenseBlock
from models.specs.gan import GanSpec
from models.specs.mlp import MlpSpec
from models.specs.training import TrainingSpec

SOURCE = InputSchema(shape=(28, 28, 1), classes=10)
MLP = MlpSpec(dense=(DenseBlock(units=128), DenseBlock(units=64)))


def rule(training: dict[str, Any], spec: Any = MLP, rows: int = 60_000) -> bool:
    return uses_xla(spec, TrainingSpec.model_validate({"epochs": 10} | training), SOURCE, rows)


def test_what_was_asked_for_is_done_where_it_can_be() -> None:
    assert not rule({"xla": "off"})
    assert rule({"xla": "on"}, rows=10)
    assert not rule({"xla": "on", "determinism": "strict"})
    assert not rule({"xla": "on", "augmentation": [{"name": "rotation"}]})


def test_by_itself_only_long_trainings_of_dense_layers_without_chance_are_compiled() -> None:
    assert rule({})
    assert not rule({}, rows=1000)
    assert not rule({"epochs": 1}, rows=10_000)
    assert not rule({}, MlpSpec(dense=MLP.dense, dropout=0.1))
    assert not rule({}, MlpSpec(dense=(*MLP.dense, DenseBlock(units=8, dropout=0.5))))
    assert not rule({}, CnnSpec())
    dense_players = GanSpec(generator=(128, 256), discriminator=(256, 128))
    assert rule({}, dense_players)
    assert not rule({}, dense_players.model_copy(update={"dropout": 0.3}))
    assert not rule({}, GanSpec(filters=(64, 128)))
