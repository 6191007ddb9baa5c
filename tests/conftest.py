"""For all tests: no long runs unless asked for, and no setting of the person who runs them."""

import os

import pytest

from configs.settings import options

pytest_plugins = ["tests.serving"]

os.environ["HF_HUB_OFFLINE"] = "1"


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the tests that take minutes, too")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --long"))


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch):
    for name in (
        "API_PORT",
        "GRADIO_SERVER_PORT",
        "HF_ENDPOINT",
        "HF_TOKEN",
        *(f"GESSO_{name.upper()}" for name in options()),
    ):
        monkeypatch.delenv(name, raising=False)
