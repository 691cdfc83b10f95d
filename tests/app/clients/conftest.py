"""One live server for the suites of each client, with a version of every sort that they ask."""

from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
from made import Made
from spelling import Speller

ROWS = np.random.default_rng(7).integers(0, 17, (3, 8, 8, 1)).astype(np.float32)


@dataclass(frozen=True)
class Served:
    """A server that has published ``digits`` twice, ``table`` and ``tales``; ``key`` opens it."""

    url: str
    key: str
    registry: Any
    speller: Speller

    @property
    def address(self) -> str:
        """Host and port."""
        return self.url.removeprefix("http://")

    @property
    def rows(self) -> np.ndarray:
        """Rows to ask ``digits`` for."""
        return ROWS

    def expected(self, seed: int = 1) -> np.ndarray:
        """Return what the version of a seed, by default the champion, answers to the rows."""
        answer: np.ndarray = self.registry.expected(seed, ROWS)
        return answer

    def written(self, prompt: str, count: int) -> str:
        """Return the likeliest text behind a prompt."""
        return "".join(self.speller.vocabulary[each] for each in self.speller.likeliest(prompt, count))


@pytest.fixture(scope="module")
def served(module_service: Any, module_registry: Any) -> Served:
    """The server, with all versions in memory."""
    made, speller = Made(), Speller("abcdef ")
    module_registry.publish(seed=2, alias="blue")
    module_registry.publish(seed=1)
    module_registry.publish("tales", **speller.artifact(made))
    key = module_service.key("predict", "models:write")
    with module_service.client(key=key) as client:
        _until_ready(client, "digits", "digits/versions/blue", "tales")
    return Served(module_service.url, key, module_registry, speller)


def _until_ready(client: httpx.Client, *models: str) -> None:
    for model in models:
        assert client.get(f"/v2/models/{model}").status_code == 200
