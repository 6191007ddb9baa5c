"""Pages of others in a browser: they change nothing, read nothing, and get no further by being led here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.running import GENERATE, Running, start

ART = "https://art.example"
EVIL = {"Origin": "https://evil.example"}


@pytest.fixture(scope="module")
def open_to_art(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """A server that pages of one other origin may use, and that has a name."""
    folder = tmp_path_factory.mktemp("art")
    running = start(folder, toy_models, "--cors-origin", ART, "--known-host", "gesso.example")
    try:
        running.wait("/healthz")
        yield running
    finally:
        assert running.stop() == 0, running.log


@pytest.mark.contract("0/cors-closed", "1/cors")
def test_other_origins_are_told_nothing(server: Running) -> None:
    for method in ("GET", "OPTIONS"):
        answer = server.client.request(method, "/tasks", headers=EVIL | {"Access-Control-Request-Method": "GET"})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.contract("0/cors-closed", "1/cors")
def test_an_origin_that_is_named_may_do_everything(open_to_art: Running) -> None:
    asks = {"Origin": ART, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-API-KEY"}
    before = open_to_art.client.options(GENERATE, headers=asks)
    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == ART
    assert "x-api-key" in before.headers["access-control-allow-headers"].lower()
    answer = open_to_art.client.post("/v1/engine/control?action=stop", headers={"Origin": ART})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ART
    other = open_to_art.client.options(GENERATE, headers=asks | EVIL)
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    "headers",
    [
        EVIL,
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        EVIL | {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_of_another_origin_changes_nothing(server: Running, headers: dict[str, str]) -> None:
    task = "0" * 32
    times = "start_at=2000-01-01&end_at=2100-01-01"
    for method, path in (
        ("POST", "/v1/engine/control?action=stop"),
        ("POST", GENERATE),
        ("POST", f"/tasks/{task}/cancel"),
        ("DELETE", f"/tasks/{task}"),
        ("GET", f"/tasks?action=delete&{times}"),
        ("GET", f"/tasks?%61ction=delete&{times}"),
        ("POST", "/login"),
    ):
        answer = server.client.request(method, path, headers=headers)
        assert answer.status_code == 403, path
        assert "--cors-origin" in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://pictures.example", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://pictures.example", "X-Forwarded-Host": "pictures.example", "X-Forwarded-Proto": "https"},
        EVIL | {"X-API-KEY": "sent by no page that was not let"},
    ],
)
def test_our_own_pages_and_programs_are_let(server: Running, headers: dict[str, str]) -> None:
    told = {name: value.format(port=server.port) for name, value in headers.items()}
    assert server.client.post("/v1/engine/control?action=stop", headers=told).status_code == 200


def test_looking_is_no_change(server: Running) -> None:
    assert server.client.get("/outputs/", headers=EVIL | {"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_what_a_form_of_another_page_can_send_is_no_request(server: Running) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = server.client.post(GENERATE, content='{"prompt": "x"}', headers={"Content-Type": kind})
        assert answer.status_code == 422


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "localhost.evil.example", "a b", "[::1",
             "gesso.example", "evil.example."]
)  # fmt: skip
def test_a_name_that_others_give_out_is_not_ours(server: Running, host: str) -> None:
    answer = server.client.get("/outputs/", headers={"Host": host})
    assert answer.status_code == 421
    assert "--known-host" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:80", "[::1]:80", "192.168.0.7", "gesso", "a.localhost"])
def test_addresses_and_local_names_are_ours(server: Running, host: str) -> None:
    assert server.client.get("/outputs/", headers={"Host": host}).status_code == 200


def test_a_name_that_the_server_was_told_is_ours(open_to_art: Running) -> None:
    for host in ("gesso.example", "GESSO.example.:443"):
        assert open_to_art.client.get("/outputs/", headers={"Host": host}).status_code == 200
    assert open_to_art.client.get("/outputs/", headers={"Host": "art.example"}).status_code == 421


@pytest.mark.parametrize("settings", [["--base-url", "https://pictures.example"], ["--apikey", "long enough a key"],
                                      ["--known-host", "*"], ["--listen"]])  # fmt: skip
def test_a_name_is_asked_for_only_where_nothing_else_protects(
    tmp_path: Path, toy_models: Path, settings: list[str]
) -> None:
    running = start(tmp_path, toy_models, *settings)
    try:
        running.wait("/healthz")
        headers = {"Host": "pictures.example", "X-API-KEY": "long enough a key"}
        assert running.client.get("/outputs/", headers=headers).status_code == 200
        assert ("without a key" in running.log) == (settings == ["--listen"])
    finally:
        running.stop()


def test_answers_are_not_to_be_guessed_at_nor_framed(server: Running) -> None:
    for path in ("/outputs/", "/tasks", "/nothing", "/docs"):
        headers = server.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in server.client.get("/outputs/").headers["content-security-policy"]
