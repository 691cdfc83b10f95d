from collections.abc import Iterator

import httpx
import pytest


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"predict_body_bytes": 4 * 1024**2})


@pytest.fixture
def client(service) -> Iterator[httpx.Client]:
    """A client of the whole web process that may do nothing but predict."""
    with service.client("predict") as client:
        yield client
