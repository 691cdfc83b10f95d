import numpy as np
import pytest
from made import Made


@pytest.fixture(scope="module")
def ask(module_service, module_registry):
    """Ask a version with the outputs ``same`` and ``twice``."""
    role = Made.role("predict", {"x": (2,)}, {"same": (2,), "twice": (2,)})
    role.node("Identity", ["x"], ["same"])
    role.node("Add", ["x", "x"], ["twice"])
    examples = {"predict": {"x": np.ones((1, 2), np.float32)}}
    module_registry.publish("two", **Made().artifact([role], examples, task="regression"))
    with module_service.client("predict") as client:
        yield lambda text: client.post("/v1/models/two:predict", content=text).text


def test_rows_of_several_outputs_are_objects(ask):
    assert ask('{"instances": [[1, NaN], [-Infinity, 4]]}') == (
        '{"predictions":[{"same":[1.0,NaN],"twice":[2.0,NaN]},'
        '{"same":[-Infinity,4.0],"twice":[-Infinity,8.0]}]}'
    )


def test_columns_of_several_outputs_are_one_object(ask):
    assert ask('{"inputs": [[1, NaN], [-Infinity, 4]]}') == (
        '{"outputs":{"same":[[1.0,NaN],[-Infinity,4.0]],"twice":[[2.0,NaN],[-Infinity,8.0]]}}'
    )
    assert ask('{"inputs": []}') == '{"outputs":{"same":[],"twice":[]}}'
