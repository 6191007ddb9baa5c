"""The outputs folder over HTTP: files, thumbnails and pages, and that nothing else can be had."""

import html
import io
import os
import re
import sys
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

from tests.server.running import Running

TODAY = date.today().isoformat()


@pytest.mark.contract("0/pages-of-outputs")
def test_the_days_page_links_every_day_newest_first(server: Running, made_png: str) -> None:
    for day in ("2001-02-03", "2001-02-04"):
        folder = server.outputs / day
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / "old.png")
    page = server.client.get("/outputs/")
    assert page.headers["content-type"].startswith("text/html")
    days = re.findall(r'<h2><a href="([\d-]+)/">', page.text)
    assert days == sorted(days, reverse=True)
    assert {TODAY, "2001-02-03", "2001-02-04"} <= set(days)


@pytest.mark.contract("0/pages-of-outputs")
def test_a_days_page_shows_prompt_seed_and_size_newest_first(server: Running) -> None:
    server.made(prompt="the first of two", image_seed=41)
    server.made(prompt="the second of two", image_seed=42, aspect_ratios_selection="64*80")
    page = server.client.get(f"/outputs/{TODAY}/").text
    assert page.index("the second of two") < page.index("the first of two")
    assert "<span>seed 42</span><span>64×80</span>" in page
    assert page.count('loading="lazy"') == page.count("<img")


def test_prompts_are_escaped(server: Running) -> None:
    nasty = "\"><script>alert('1')</script>&amp;"
    server.made(prompt=nasty)
    page = server.client.get(f"/outputs/{TODAY}/").text
    assert "<script" not in page
    assert html.escape(nasty) in page


def test_odd_file_names_are_quoted_and_their_links_work(server: Running) -> None:
    name = 'a "b" <i> #1 100% ü.png' if sys.platform != "win32" else "a #1 100% ü.png"
    folder = server.outputs / "2002-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6)).save(folder / name)
    page = server.client.get("/outputs/2002-01-01/").text
    link = re.search(r'<li class="card"><a href="([^"]+)"', page)
    thumbnail = re.search(r'<img src="([^"]+)"', page)
    assert link
    assert thumbnail
    assert "8×6" in page
    for url in (link[1], thumbnail[1]):
        assert server.client.get(f"/outputs/2002-01-01/{url}").status_code == 200


def test_a_long_day_is_cut_into_pages(server: Running) -> None:
    folder = server.outputs / "2003-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(121):
        Image.new("RGB", (1, 1)).save(folder / f"{number}.png")
        os.utime(folder / f"{number}.png", (number, number))
    first, second = (server.client.get(f"/outputs/2003-01-01/?page={page}").text for page in (1, 2))
    assert first.index('href="120.png"') < first.index('href="119.png"')
    assert 'href="?page=2"' in first
    assert 'href="0.png"' in second
    assert 'href="0.png"' not in first


def test_a_thumbnail_is_small_and_made_once(server: Running) -> None:
    folder = server.outputs / "2004-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGBA", (900, 500), "red").save(folder / "big.png")
    first = server.client.get("/thumbnails/2004-01-01/big.png")
    assert Image.open(io.BytesIO(first.content)).size == (320, 178)
    kept = server.outputs / ".thumbnails" / "2004-01-01" / "big.png.webp"
    made_at = kept.stat().st_mtime_ns
    assert server.client.get("/thumbnails/2004-01-01/big.png").content == first.content
    assert kept.stat().st_mtime_ns == made_at


def test_what_is_no_picture_has_no_thumbnail(server: Running) -> None:
    folder = server.outputs / "2004-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "broken.png").write_bytes(b"no picture")
    assert server.client.get("/thumbnails/2004-01-01/broken.png").status_code == 404
    assert server.client.get("/outputs/2004-01-01/").status_code == 200


@pytest.mark.contract("0/pictures-only-accept", "2/outputs", "15/as-is")
@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "image/avif,image/webp,*/*",
        "image/png",
        "text/html",
        "application/json, text/plain",
        "image/*;q=0.1",
    ],
)
def test_a_file_comes_as_it_is_unless_its_type_is_excluded(server: Running, made_png: str, accept: str | None) -> None:
    request = server.client.build_request("GET", made_png)
    request.headers.pop("Accept")
    request.headers.update({"Accept": accept} if accept else {})
    answer = server.client.send(request)
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == (server.outputs / made_png.split("/outputs/")[1]).read_bytes()


@pytest.mark.contract("15/converts")
@pytest.mark.parametrize(
    ("accept", "form"),
    [("image/jpeg", "JPEG"), ("image/jpg", "JPEG"), ("image/webp;q=0.9, image/jpeg;q=0.2", "WEBP"),
     ("image/png;q=0, image/*", "JPEG")],
)  # fmt: skip
def test_a_file_is_converted_when_its_type_is_excluded(server: Running, made_png: str, accept: str, form: str) -> None:
    answer = server.client.get(made_png, headers={"Accept": accept})
    assert answer.headers["content-type"] == f"image/{form.lower()}"
    assert Image.open(io.BytesIO(answer.content)).format == form


@pytest.mark.contract("2/no-listing-of-other-files", "15/not-found")
@pytest.mark.parametrize(
    "path",
    [
        "/outputs/../outputs/db.sqlite3",
        "/outputs/db.sqlite3",
        "/outputs/db.sqlite3/",
        "/outputs/%2e%2e/",
        "/outputs/%2e%2e/secret.png",
        "/outputs/..%2f..%2fsecret.png",
        "/outputs/2005-01-01/..%2f..%2f..%2fsecret.png",
        "/outputs/2005-01-01/..%5c..%5csecret.png",
        "/outputs/2005-01-01/%2e%2e",
        "/outputs/2005-01-01/.hidden.png",
        "/outputs/2005-01-01/notes.txt",
        "/outputs/2005-01-01/x.png%00.txt",
        "/outputs/2005-01-01/x%00.png",
        "/outputs/2005-01-01/link.png",
        "/outputs/2005-01-02/secret.png",
        "/outputs/.thumbnails/",
        "/outputs/.thumbnails/x.png",
        "/outputs/2005-01-03/",
        "/outputs/２００５-01-01/",
        "/thumbnails/2005-01-01/link.png",
        "/thumbnails/2005-01-02/secret.png",
        "/thumbnails/%2e%2e/secret.png",
        "/inputs/..%2fsecret.png",
        "/inputs/%2e%2e%5csecret.png",
        "/inputs/",
    ],
)
def test_nothing_outside_the_folders_can_be_had(server: Running, path: str) -> None:
    folder = server.outputs / "2005-01-01"
    folder.mkdir(parents=True, exist_ok=True)
    secret = server.folder / "secret.png"
    Image.new("RGB", (8, 8)).save(secret)
    for name in (".hidden.png", "x.png", "notes.txt"):
        (folder / name).write_bytes(secret.read_bytes())
    _link(folder / "link.png", secret)
    _link(server.outputs / "2005-01-02", server.folder)
    answer = server.client.get(path)
    assert answer.status_code == 404
    assert "detail" in answer.json()
    assert "link.png" not in server.client.get("/outputs/2005-01-01/").text
    assert "2005-01-02" not in server.client.get("/outputs/").text


def test_folders_lead_to_their_slash(server: Running) -> None:
    for path, target in (("/outputs", "/outputs/"), (f"/outputs/{TODAY}", f"/outputs/{TODAY}/")):
        answer = server.client.get(path)
        assert answer.next_request is not None
        assert (answer.status_code, answer.next_request.url.path) == (307, target)


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink():
        try:
            link.symlink_to(target)
        except OSError:
            pytest.skip("no right to make links here")
