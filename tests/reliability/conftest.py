"""One server that paints noise, for all who need no other."""

from collections.abc import Iterator

import pytest

from tests.reliability.painting import paints
from tests.server.running import Running


@pytest.fixture(scope="session")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = paints(tmp_path_factory.mktemp("painter"))
    try:
        running.wait()
        yield running
    finally:
        assert running.stop() == 0, running.log
