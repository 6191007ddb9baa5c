"""URLs in requests: none leads where a stranger may not go, whatever it is spelt, redirected or looked up as."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from configs.settings import Settings
from server.fetching import Guard, Refused
from tests.security.internet import PUBLIC, Internet, internet
from tests.server.receiving import until
from tests.server.running import Running, start

READ = "/v1/tools/read-metadata"

FORBIDDEN = [
    "http://127.0.0.1:{port}/secret",
    "HTTP://127.0.0.1:{port}/secret",
    "http://localhost:{port}/secret",
    "http://127.1:{port}/secret",
    "http://127.0.0.2:{port}/secret",
    "http://2130706433:{port}/secret",
    "http://0x7f000001:{port}/secret",
    "http://0:{port}/secret",
    "http://0.0.0.0:{port}/secret",
    "http://[::1]:{port}/secret",
    "http://[::]:{port}/secret",
    "http://[::ffff:127.0.0.1]:{port}/secret",
    "http://[::ffff:7f00:1]:{port}/secret",
    "http://[::127.0.0.1]:{port}/secret",
    "http://[64:ff9b::7f00:1]:{port}/secret",
    "http://[2002:7f00:1::]:{port}/secret",
    "http://[fe80::1]:{port}/secret",
    "http://[fc00::1]:{port}/secret",
    "http://127。0。0。1:{port}/secret",
    "http://name:word@127.0.0.1:{port}/secret",
    "http://public.example@127.0.0.1:{port}/secret",
    "http://127.0.0.1:{port}#@public.example/secret",
    "http://127.0.0.1:{port}?@public.example/secret",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/iam/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/machine",
    "http://192.0.0.192/opc/v2/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://loopback.example:{port}/secret",
    "http://intern.example/",
    "http://mapped.example:{port}/secret",
    "http://both.example:{port}/secret",
    "http://six.example/",
]
"""Addressed to what nobody may call; `port` is where something listens that would be called."""

REDIRECTED = [
    "http://127.0.0.1:{port}/secret",
    "http://[::ffff:127.0.0.1]:{port}/secret",
    "//127.0.0.1:{port}/secret",
    "http://169.254.169.254/latest/meta-data/",
    "http://loopback.example:{port}/secret",
    "http://public.example/moved?to=http%3A%2F%2F127.0.0.1%3A{port}%2Fsecret",
]
"""Where a public host sends whoever asks it."""

UNFIT = [
    ("file:///etc/passwd", "neither base64"),
    ("gopher://127.0.0.1:{port}/secret", "neither base64"),
    ("ftp://127.0.0.1:{port}/secret", "neither base64"),
    ("http://LOCALHOST.:{port}/secret", "could not be fetched"),
    ("http://0177.0.0.1:{port}/secret", "could not be fetched"),
    ("http://", "could not be fetched"),
    ("http://127.0.0.1\\@public.example:{port}/secret", "could not be fetched"),
    ("http://①②⑦.0.0.1:{port}/secret", "could not be fetched"),
    ("http://127.0.0.1:99999/secret", "could not be fetched"),
    ("http://nowhere.invalid/", "there is no host"),
    ("http://public.example/moved?to=file:///etc/passwd", "could not be fetched"),
    ("http://public.example/moved?to=gopher://127.0.0.1:{port}/secret", "could not be fetched"),
    ("http://public.example/round", "redirect"),
    ("http://public.example/often?to=6", "redirect"),
    ("http://public.example/packed", "packed"),
    ("http://public.example/page", "HTML"),
    ("http://public.example/empty", "empty"),
    ("http://public.example/missing", "404"),
]
"""What is told of URLs that cannot be right, or lead to no picture."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    with internet(tmp_path_factory.mktemp("internet")) as made:
        yield made


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, toy_models: Path, world: Internet) -> Iterator[Running]:
    """A server for which no host is allowed."""
    running = start(tmp_path_factory.mktemp("strict"), toy_models, allowed=(), variables=world.variables)
    try:
        running.wait("/healthz")
        yield running
    finally:
        assert running.stop() == 0, running.log


def read(server: Running, url: str) -> httpx.Response:
    return server.client.post(READ, json={"image": url})


@pytest.mark.parametrize("url", FORBIDDEN)
def test_a_picture_is_not_fetched_where_nobody_may_call(strict: Running, world: Internet, url: str) -> None:
    answer = read(strict, url.format(port=world.port))
    assert answer.status_code == 422
    (complaint,) = answer.json()["detail"]
    assert complaint["loc"] == ["body", "image"]
    assert "--allow-host" in complaint["msg"]
    assert world.called == []


@pytest.mark.parametrize("url", FORBIDDEN)
def test_a_webhook_is_not_sent_where_nobody_may_call(strict: Running, world: Internet, url: str) -> None:
    answer = strict.generate(webhook_url=url.format(port=world.port))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "webhook_url"]
    assert "--allow-host" in answer.json()["detail"][0]["msg"]
    assert world.called == []


@pytest.mark.parametrize("kind", ["moved", "kept"])
@pytest.mark.parametrize("to", REDIRECTED)
def test_a_redirection_is_checked_like_the_first_url(strict: Running, world: Internet, to: str, kind: str) -> None:
    answer = read(strict, f"http://public.example/{kind}?to={quote(to.format(port=world.port))}")
    assert answer.status_code == 422
    assert "--allow-host" in answer.json()["detail"][0]["msg"]
    assert world.called == []


@pytest.mark.parametrize(("url", "words"), UNFIT)
def test_what_leads_to_no_picture_is_422_and_says_why(strict: Running, world: Internet, url: str, words: str) -> None:
    answer = read(strict, url.format(port=world.port))
    assert answer.status_code == 422
    assert words in answer.json()["detail"][0]["msg"]
    assert world.called == []


@pytest.mark.parametrize("path", ["huge", "endless"])
def test_more_than_a_request_may_weigh_is_413(strict: Running, path: str) -> None:
    answer = read(strict, f"http://public.example/{path}")
    assert answer.status_code == 413
    assert "128 MiB" in answer.json()["detail"]


@pytest.mark.long
def test_who_is_too_slow_is_left(strict: Running) -> None:
    answer = read(strict, "http://public.example/slow")
    assert answer.status_code == 422
    assert "20 s" in answer.json()["detail"][0]["msg"]


@pytest.mark.parametrize("path", ["picture", "often?to=5", "moved?to=//public.example/picture"])
def test_a_public_picture_is_fetched(strict: Running, path: str) -> None:
    assert read(strict, f"http://public.example/{path}").status_code == 200


def test_a_name_is_looked_up_once_and_the_checked_address_is_called(strict: Running, world: Internet) -> None:
    before = len(world.log)
    assert read(strict, f"http://rebind.example:{world.port}/picture").status_code == 200
    new = world.log[before:]
    assert [what for what in new if "rebind.example" in what] == [["lookup", "rebind.example"]]
    assert [what[1] for what in new if what[0] == "connect"] == [PUBLIC]
    assert world.called == []


def test_a_name_that_is_rebound_between_two_calls_is_refused(strict: Running, world: Internet) -> None:
    url = f"http://rebound.example:{world.port}/picture"
    assert [read(strict, url).status_code for _ in range(2)] == [200, 422]
    assert world.called == []


def test_a_webhook_that_is_rebound_before_it_is_sent_is_given_up(strict: Running, world: Internet) -> None:
    strict.wait()
    task = strict.made(webhook_url=f"http://late.example:{world.port}/hook")["task_id"]
    told = lambda: strict.client.get(f"/tasks/{task}").json()["warnings"]  # noqa: E731
    until(lambda: any("late.example leads to a loopback address" in warning for warning in told()))
    assert world.called == []


def test_no_cookie_goes_from_one_call_to_the_next(strict: Running) -> None:
    assert read(strict, "http://public.example/picture").status_code == 200
    assert read(strict, "http://public.example/cookies").status_code == 200


def test_what_is_our_own_is_read_from_disk_only(strict: Running, world: Internet) -> None:
    before = len(world.log)
    for path in ("healthz", "outputs/2001-01-01/x.png", "inputs/../outputs/db.sqlite3"):
        answer = read(strict, f"http://127.0.0.1:{strict.port}/{path}")
        assert answer.status_code == 422
        assert "kept here" in answer.json()["detail"][0]["msg"]
    assert world.log[before:] == []


@pytest.mark.parametrize(
    ("allowed", "url", "may"),
    [
        ("127.0.0.1", "http://127.0.0.1:{port}/", True),
        ("127.0.0.1", "http://localhost:{port}/", True),
        ("127.0.0.0/8", "http://127.0.0.2:{port}/", True),
        ("LocalHost", "http://LOCALHOST:{port}/", True),
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}/", True),
        ("127.0.0.1:1", "http://127.0.0.1:{port}/", False),
        ("localhost", "http://127.0.0.1:{port}/", False),
        ("10.0.0.0/8", "http://127.0.0.1:{port}/", False),
    ],
)
def test_hosts_that_are_allowed_may_be_called(world: Internet, allowed: str, url: str, may: bool) -> None:
    settings = Settings(allow_host=(allowed.format(port=world.port),))
    assert may_call(settings, url.format(port=world.port)) == may


def test_the_host_of_the_usual_webhook_is_allowed_with_its_port(world: Internet) -> None:
    settings = Settings(webhook_url=f"http://127.0.0.1:{world.port}/hook")
    assert may_call(settings, f"http://127.0.0.1:{world.port}/other")
    assert not may_call(settings, "http://127.0.0.1:1/")


def may_call(settings: Settings, url: str) -> bool:
    """Whether the guard of a server with these settings lets the URL be called."""
    guard = Guard(settings)
    try:
        return bool(asyncio.run(guard.addresses(httpx.URL(url))))
    except Refused:
        return False
    finally:
        guard.close()
