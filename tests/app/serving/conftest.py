import pytest
from spelling import Speller


@pytest.fixture
def speller():
    """A network that writes text."""
    return Speller
