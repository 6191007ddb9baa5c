"""One server with what is shipped."""

from collections.abc import Iterator

import pytest

from configs.settings import ROOT
from tests.server.running import Running, start


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with its default models; two threads, for the pictures are real."""
    running = start(tmp_path_factory.mktemp("starter"), ROOT / "models", "--threads", "2")
    try:
        running.wait()
        yield running
    finally:
        running.stop()
