from pathlib import Path

import pytest

from app.settings import Settings
from workers.claims import NoAddress, free_address
from workers.worker import Worker


def test_an_address_for_a_gang_has_a_port_that_nobody_listens_on() -> None:
    host, _, port = free_address("127.0.0.1").partition(":")
    assert (host, int(port) > 0) == ("127.0.0.1", True)


@pytest.mark.parametrize("host", ["203.0.113.7", "other.invalid"])
def test_a_worker_does_not_start_with_the_address_of_another_machine(host: str, tmp_path: Path) -> None:
    worker = Worker(Settings(_env_file=None, data_dir=tmp_path / "data", gang_host=host))
    with pytest.raises(NoAddress, match=f"KERAFORGE_GANG_HOST must be an address .* got {host}: "):
        worker.start()
    assert not (tmp_path / "data").exists()
