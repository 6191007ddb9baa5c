"""Section 1: what the server's options change in its answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.receiving import receiver
from tests.server.running import Running, ready


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """A server that is started with options in FooocusAPI's spelling."""
    folder = tmp_path_factory.mktemp("started")
    options = ["--base-url", "https://pictures.example/x/", "--preset", "mine", "--disable-metadata"]
    options += ["--webhook-legacy"]
    with ready(folder, toy_models, *options, "--temp-path", str(folder / "temp")) as running:
        yield running


@pytest.mark.contract("1/base-url", "1/inherited-options", "1/storage", "1/port", "1/listen")
def test_options_in_fooocusapis_spelling_show_in_the_answers(started: Running) -> None:
    record = started.made()
    (url,) = record["result"]
    assert url.startswith("https://pictures.example/x/outputs/")
    file = started.folder / url.removeprefix("https://pictures.example/x/")
    assert file.is_file()
    assert (started.outputs / "db.sqlite3").is_file()
    assert record["effective_params"]["preset"] == "mine"
    path = url.removeprefix("https://pictures.example/x")
    picture = started.picture(f"http://127.0.0.1:{started.port}{path}")
    assert not {"parameters", "fooocus_scheme", "gesso"} & set(picture.info)


@pytest.mark.contract("0/webhook-object", "16/body")
def test_the_old_form_of_webhooks_can_be_had(started: Running) -> None:
    with receiver() as told:
        record = started.made(webhook_url=told.url)
        (message,) = told.wait(record["task_id"])
    text = json.loads(message.body)
    assert isinstance(text, str)
    assert json.loads(text) == record
