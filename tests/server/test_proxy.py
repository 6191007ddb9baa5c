"""URLs in answers behind a reverse proxy."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.running import GENERATE, Running, ready, start

PROXY = {"X-Forwarded-Host": "pictures.example", "X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """A server that is told under which path it is served."""
    with ready(tmp_path_factory.mktemp("behind"), toy_models, "--root-path", "/gesso") as running:
        yield running


def _result(server: Running, headers: dict[str, str]) -> str:
    asked = {"aspect_ratios_selection": "64*64", "overwrite_step": 1}
    url: str = server.client.post(GENERATE, json=asked, headers=headers).json()["result"][0]
    return url


def test_a_trusted_proxy_says_what_urls_begin_with(server: Running) -> None:
    assert _result(server, PROXY).startswith("https://pictures.example/outputs/")
    assert _result(server, PROXY | {"X-Forwarded-Prefix": "/art"}).startswith("https://pictures.example/art/outputs/")
    assert _result(server, {}).startswith(f"http://127.0.0.1:{server.port}/outputs/")


@pytest.mark.parametrize("host", ["", "bad host", "x/../y", 'a"b', "[not:ip", "[:::::]", "x:99999", "-"])
def test_what_cannot_be_a_host_is_as_if_not_sent(server: Running, host: str) -> None:
    assert _result(server, PROXY | {"X-Forwarded-Host": host}).startswith(f"http://127.0.0.1:{server.port}/")


def test_the_record_is_told_to_each_as_he_called(server: Running) -> None:
    task = server.made()["task_id"]
    assert (
        server.client.get(f"/tasks/{task}", headers=PROXY).json()["result"][0].startswith("https://pictures.example/")
    )
    assert server.client.get(f"/tasks/{task}").json()["result"][0].startswith("http://127.0.0.1:")


def test_a_returned_url_can_be_sent_in_again(server: Running) -> None:
    url = _result(server, PROXY)
    asked = {"inpaint_input_image": url, "outpaint_selections": ["Left"], "overwrite_step": 1}
    answer = server.client.post(GENERATE, json=asked, headers=PROXY)
    assert answer.status_code == 200, answer.text


def test_root_path_stands_in_every_url(behind: Running) -> None:
    assert _result(behind, {}).startswith(f"http://127.0.0.1:{behind.port}/gesso/outputs/")
    assert _result(behind, PROXY).startswith("https://pictures.example/gesso/outputs/")
    docs = behind.client.get("/docs").text
    assert "'/gesso/openapi.json'" in docs or '"/gesso/openapi.json"' in docs
    assert behind.client.get("/openapi.json").json()["servers"] == [{"url": "/gesso"}]


def test_the_ways_onward_are_relative(behind: Running) -> None:
    answer = behind.client.get("/outputs", follow_redirects=False)
    assert answer.headers["location"] == "outputs/"


def test_the_page_loads_only_what_is_relative_to_it(behind: Running) -> None:
    loaded = re.findall(r'(?:src|href)="([^"#]+)"', behind.client.get("/").text)
    assert loaded
    for path in loaded:
        assert path.startswith("static/")
        assert behind.client.get(f"/{path}").status_code == 200


def test_another_machine_is_not_believed(tmp_path: Path, toy_models: Path) -> None:
    running = start(tmp_path, toy_models, "--forwarded-allow-ips", "10.0.0.0/8")
    try:
        running.wait()
        assert _result(running, PROXY).startswith(f"http://127.0.0.1:{running.port}/")
    finally:
        running.stop()


def test_a_prefix_that_climbs_is_as_if_not_sent(server: Running) -> None:
    url = _result(server, PROXY | {"X-Forwarded-Prefix": "/../x"})
    assert url.startswith("https://pictures.example/outputs/")
