"""With a key set, nothing but the login, the manual and the health routes opens without one."""

import re
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from configs.settings import Settings
from server.access import Access, secret
from server.app import create_app
from server.gate import PUBLIC
from tests.server.receiving import receiver
from tests.server.running import GENERATE, Running, as_text, ready

KEY = "the first key, long enough"
OTHER = "another-key-of-the-same-server"
FROM_FILE = "a key that lies in a file"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """A server with three keys and without the page; its client sends none."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "keys.txt").write_text(f"# for the laptop\n\n{FROM_FILE}\n", encoding="utf-8")
    keys = ("--nowebui", "--apikey", KEY, "--apikey", OTHER, "--apikey-file", f"{folder / 'keys.txt'}")
    with ready(folder, toy_models, *keys) as running:
        yield running


@pytest.fixture(scope="module")
def record(locked: Running) -> dict:
    """A task's record, of a picture that was painted from one that was sent in."""
    asked = {"overwrite_step": 1, "outpaint_selections": ["Left"], "outpaint_distance": [8, 0, 0, 0]}
    asked |= {"inpaint_input_image": as_text(Image.new("RGB", (64, 64), "red")), "prompt": "kept"}
    answer = locked.client.post(GENERATE, json=asked, headers={"X-API-KEY": KEY})
    assert answer.status_code == 200, answer.text
    told: dict = answer.json()
    return told


def everything(tmp_path: Path) -> list[tuple[str, str]]:
    """Every method and path that the application knows, with something in place of the parameters."""
    app = create_app(Settings(output_path=tmp_path / "out", input_path=tmp_path / "in"))
    known = {(method.upper(), path) for path, told in app.openapi()["paths"].items() for method in told}
    known |= {("POST", "/v1/engine/generate"), ("GET", "/thumbnails/{day}/{file}"), ("GET", "/outputs")}
    given = {"day": "2001-01-01", "file": "x.png", "task_id": "0" * 32}
    return sorted((method, re.sub(r"\{(\w+)\}", lambda m: given.get(m[1], "x"), path)) for method, path in known)


@pytest.mark.contract("0/outputs-need-the-key", "2/auth")
def test_no_route_opens_without_a_key_but_those_that_are_named(locked: Running, tmp_path: Path) -> None:
    tried = 0
    for method, path in [*everything(tmp_path), ("GET", "/nothing"), ("HEAD", "/outputs/"), ("BREW", "/tasks")]:
        if path in PUBLIC or path.startswith("/docs/"):
            continue
        answer = locked.client.request(method, path)
        assert answer.status_code == 403, (method, path)
        if method != "HEAD":
            assert answer.json() == {"detail": "Forbidden"}
        tried += 1
    assert tried > 20


@pytest.mark.parametrize("path", sorted(PUBLIC - {"/logout"}))
def test_the_login_the_manual_and_health_are_public(locked: Running, path: str) -> None:
    assert locked.client.get(path).status_code in (200, 307)


@pytest.mark.contract("1/nowebui", "2/root")
def test_without_the_page_the_root_leads_to_the_manual(locked: Running) -> None:
    answer = locked.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "docs")
    assert locked.client.get("/static/app.js").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/static/docs/../../tasks", "/static/docs/%2e%2e/%2e%2e/tasks", "/docs/../tasks", "/docs%2f..%2ftasks",
     "/healthz/../tasks", "/login;/tasks", "/TASKS", "/./tasks", "//tasks"],
)  # fmt: skip
def test_no_detour_through_a_public_path_leads_in(locked: Running, path: str) -> None:
    request = httpx.Request("GET", f"http://127.0.0.1:{locked.port}/")
    request.url = request.url.copy_with(raw_path=path.encode())
    assert locked.client.send(request).status_code in (403, 404)


@pytest.mark.contract("1/apikey", "2/auth")
@pytest.mark.parametrize("key", [KEY, OTHER, FROM_FILE])
def test_every_key_opens_as_header_and_as_bearers(locked: Running, key: str) -> None:
    for headers in ({"X-API-KEY": key}, {"x-api-key": key}, {"Authorization": f"Bearer {key}"}):
        assert locked.client.get("/tasks", headers=headers).status_code == 200


@pytest.mark.contract("2/auth")
@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-KEY": ""},
        {"X-API-KEY": KEY[:-1]},
        {"X-API-KEY": KEY + "x"},
        {"X-API-KEY": KEY.upper()},
        {"X-API-KEY": f"{KEY},{OTHER}"},
        {"X-API-KEY": "# for the laptop"},
        {"X-API-KEY": b"\xff\xfe"},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {KEY[1:]}"},
        {"Cookie": f"gesso={KEY}"},
        {"X-Forwarded-For": "127.0.0.1"},
    ],
)
def test_anything_else_is_forbidden(locked: Running, headers: dict) -> None:
    for path in ("/tasks", "/outputs/", "/v1/engines/styles"):
        answer = locked.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()) == (403, {"detail": "Forbidden"})


@pytest.mark.contract("0/outputs-need-the-key")
def test_links_in_a_record_open_by_themselves(locked: Running, record: dict) -> None:
    given = record["req_params"]["inpaint_input_image"]
    for url in (record["result"][0], given):
        assert locked.client.get(url.partition("?")[0]).status_code == 403
        assert locked.picture(url).size
    again = locked.client.get(f"/tasks/{record['task_id']}", headers={"X-API-KEY": OTHER}).json()
    assert locked.picture(again["result"][0]).size
    listed = locked.client.get("/tasks", headers={"X-API-KEY": OTHER}).json()["history"]
    assert locked.picture(listed[0]["result"][0]).size


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"signature=\w{4}", "signature=0000"),
        (r"signature=.*", "signature="),
        (r"&signature=.*", ""),
        (r"expires=\d+", "expires=99999999999"),
        (r"expires=\d+&", ""),
        (r"expires=", "expires=0"),
        (r"\.png\?", ".jpg?"),
        (r"/outputs/", "/thumbnails/"),
        (r"/outputs/\d", "/outputs//2"),
        (r"/outputs/.*\?", "/tasks?"),
        (r"/outputs/.*\?", "/outputs/?"),
    ],
)
def test_a_link_opens_nothing_but_its_picture(locked: Running, record: dict, old: str, new: str) -> None:
    url = record["result"][0]
    forged = re.sub(old, new, url, count=1)
    assert forged != url
    assert locked.client.get(forged).status_code == 403


def test_a_link_is_for_looking_only(locked: Running, record: dict) -> None:
    for method in ("POST", "DELETE", "PUT"):
        assert locked.client.request(method, record["result"][0]).status_code in (403, 405)


def test_a_link_opens_for_a_day_and_no_longer(locked: Running, record: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    url, now = record["result"][0].partition("?")[0], time.time()
    access = Access([KEY], secret(locked.outputs))
    for ago, status in ((23 * 3600, 200), (26 * 3600, 403)):
        monkeypatch.setattr("server.access.time.time", lambda ago=ago: now - ago)
        assert locked.client.get(access.opened(url)).status_code == status


def test_signatures_are_made_when_a_record_is_read_and_never_kept(locked: Running, record: dict) -> None:
    assert "signature=" in record["result"][0]
    database = sqlite3.connect(locked.outputs / "db.sqlite3")
    text = "\n".join(database.iterdump())
    database.close()
    assert record["task_id"] in text
    assert "signature=" not in text


def test_the_secret_is_kept_for_the_owner_alone(locked: Running, tmp_path: Path) -> None:
    file = locked.outputs / ".signing-secret"
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for path in ("/outputs/.signing-secret", "/outputs/%2esigning-secret", "/outputs/.signing-secret/"):
        assert locked.client.get(path, headers={"X-API-KEY": KEY}).status_code == 404
    assert secret(tmp_path) == secret(tmp_path) != secret(locked.outputs)


def test_a_webhook_is_sent_links_that_open(locked: Running) -> None:
    with receiver() as told:
        asked = {"aspect_ratios_selection": "64*64", "overwrite_step": 1, "webhook_url": told.url}
        task = locked.client.post(GENERATE, json=asked, headers={"X-API-KEY": KEY}).json()["task_id"]
        (message,) = told.wait(task)
    assert locked.picture(message.record["result"][0]).size == (64, 64)


def test_a_returned_link_can_be_sent_in_again(locked: Running, record: dict) -> None:
    answer = locked.client.post(
        "/v1/tools/read-metadata", json={"image": record["result"][0]}, headers={"X-API-KEY": KEY}
    )
    assert answer.status_code == 200
    assert locked.picture(answer.json()["request"]["inpaint_input_image"]).size


def browser(locked: Running) -> httpx.Client:
    """A client that keeps cookies, as a browser asks for pages."""
    address = f"http://127.0.0.1:{locked.port}"
    return httpx.Client(base_url=address, headers={"Accept": "text/html"}, trust_env=False)


def test_a_person_logs_in_looks_at_everything_and_logs_out(locked: Running, record: dict) -> None:
    day = record["result"][0].split("/outputs/")[1].split("/")[0]
    with browser(locked) as person:
        turned = person.get(f"/outputs/{day}/")
        assert (turned.status_code, turned.headers["location"]) == (303, f"../../login?next=outputs/{day}/")
        form = person.get(f"/login?next=outputs/{day}/").text
        assert f'value="outputs/{day}/"' in form
        wrong = person.post("/login", data={"apikey": "wrong", "next": f"outputs/{day}/"})
        assert wrong.status_code == 403
        assert "none of this server" in wrong.text
        right = person.post("/login", data={"apikey": f" {KEY} ", "next": f"outputs/{day}/"})
        assert (right.status_code, right.headers["location"]) == (303, f"outputs/{day}/")
        kept = right.headers["set-cookie"].lower()
        assert "httponly" in kept
        assert "samesite=strict" in kept
        assert KEY not in kept
        page = person.get(f"/outputs/{day}/")
        assert "kept" in page.text
        picture = re.search(r'<li class="card"><a href="([^"]+)"><img src="([^"]+)"', page.text)
        assert picture
        for path in (picture[1], picture[2], f"/tasks/{record['task_id']}/events", "/tasks", "/outputs/"):
            assert person.get(httpx.URL(str(page.url)).join(path)).status_code == 200, path
        assert "Log out" in person.get("/outputs/").text
        assert person.post("/logout").status_code == 303
        assert person.get(f"/outputs/{day}/").status_code == 303


def test_a_session_cannot_be_made_up(locked: Running) -> None:
    with browser(locked) as person:
        person.post("/login", data={"apikey": KEY})
        ((name, session),) = person.cookies.items()
    until, caller, mark = session.split(".")
    stranger = Access(["x" * 20], secret(locked.outputs)).session("0123456789ab")
    forged = (f"{int(until) + 1}.{caller}.{mark}", f"{until}.{caller}.{mark[:-1]}", f"{until}.x.{mark}", "..",
              "", "a.b", f"{until}.{caller}.", stranger, f"{until}.{caller}.{mark}x")  # fmt: skip
    for value in forged:
        assert locked.client.get("/tasks", headers={"Cookie": f"{name}={value}"}).status_code == 403, value
    assert locked.client.get("/tasks", headers={"Cookie": f"{name}={session}"}).status_code == 200


def test_a_session_ends(locked: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with browser(locked) as person:
        person.post("/login", data={"apikey": KEY})
        ((name, session),) = person.cookies.items()
    now, caller = time.time(), session.split(".")[1]
    access = Access([KEY], secret(locked.outputs))
    for ago, status in ((6 * 24 * 3600, 200), (8 * 24 * 3600, 403)):
        monkeypatch.setattr("server.access.time.time", lambda ago=ago: now - ago)
        cookie = {"Cookie": f"{name}={access.session(caller)}"}
        assert locked.client.get("/tasks", headers=cookie).status_code == status


@pytest.mark.parametrize(
    "where",
    ["//evil.example", "https://evil.example", "javascript:alert(1)", "\\\\evil.example", "/\\evil.example", "../../x",
     "outputs/../../x", ".//evil.example", '"><script>', "a\r\nSet-Cookie: x=1", "http:evil.example", ""],
)  # fmt: skip
def test_the_login_leads_to_no_other_place(locked: Running, where: str) -> None:
    with browser(locked) as person:
        assert "<script" not in person.get("/login", params={"next": where}).text
        answer = person.post("/login", data={"apikey": KEY, "next": where})
    assert answer.headers["location"] == "outputs/"


def test_the_cookie_is_for_https_alone_where_the_proxy_speaks_it(locked: Running) -> None:
    proxy = {"X-Forwarded-Host": "pictures.example", "X-Forwarded-Proto": "https"}
    for headers, secure in ((proxy, True), ({}, False)):
        answer = locked.client.post("/login", data={"apikey": KEY}, headers=headers)
        assert ("secure" in answer.headers["set-cookie"].lower()) == secure


def test_a_form_that_is_no_key_is_not_read_to_its_end(locked: Running) -> None:
    assert locked.client.post("/login", content=b"x" * 1_000_000).status_code == 413


def test_a_broken_cookie_is_no_session(locked: Running) -> None:
    for cookie in ("gesso", "=;=;", f"gesso-{locked.port}", 'x="\\', "\xff"):
        assert locked.client.get("/tasks", headers=[(b"Cookie", cookie.encode("latin-1"))]).status_code == 403


def test_no_key_and_no_link_that_opens_is_in_the_log(locked: Running, record: dict) -> None:
    locked.client.get("/tasks", headers={"X-API-KEY": KEY})
    locked.picture(record["result"][0])
    assert KEY not in locked.log
    assert record["result"][0].partition("signature=")[2] not in locked.log
    assert FROM_FILE not in locked.log


def test_without_a_key_the_login_leads_on_and_links_are_plain(server: Running, made_png: str) -> None:
    assert "?" not in made_png
    assert server.client.get("/login").headers["location"] == "outputs/"
    assert not (server.outputs / ".signing-secret").exists()
    assert "Log out" not in server.client.get("/outputs/").text
