"""Pictures are found by what made them, over HTTP and on the page."""

import importlib
import re
import sqlite3
from contextlib import closing
from datetime import date
from typing import Any

import pytest
from PIL import Image

from tests.server.running import GENERATE, Running, as_text

SEARCH = "/v1/outputs/search"
TODAY = date.today().isoformat()


@pytest.fixture(scope="module")
def made(server: Running, photo: Image.Image, box_mask: Image.Image) -> dict[str, str]:
    """The file names of pictures by what is special of each; word "zebu" is in all their prompts."""
    small = {"overwrite_step": 1, "aspect_ratios_selection": "64*64"}
    asked: dict[str, dict[str, Any]] = {
        "plain": {"prompt": "a zebu, 100% Ünlü, snake_case", "image_seed": 4217},
        "named": {"prompt": "zebu", "save_name": "holiday", "image_seed": 4218, "negative_prompt": "clouds"},
        "edited": {
            "prompt": "zebu",
            "inpaint_additional_prompt": "with horns",
            "inpaint_input_image": as_text(photo),
            "inpaint_mask_image_upload": as_text(box_mask),
        },
        "mine": {"prompt": "zebu", "vae_name": "other.safetensors", "style_selections": ["SAI Lowpoly"]},
    }
    found = {}
    for name, fields in asked.items():
        record = server.client.post(GENERATE, json=small | fields).json()
        found[name] = record["result"][0].rpartition("/")[2]
    return found


def search(server: Running, **query: Any) -> dict[str, Any]:
    answer = server.client.get(SEARCH, params=query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def files(server: Running, **query: Any) -> list[str]:
    return [picture["file"] for picture in search(server, **query)["pictures"]]


def test_the_newest_comes_first_with_all_that_is_told_of_it(server: Running, made: dict[str, str]) -> None:
    told = search(server, q="zebu")
    assert [picture["file"] for picture in told["pictures"]] == list(reversed(made.values()))
    assert (told["total"], told["page"]) == (4, 1)
    named = told["pictures"][2]
    assert (named["seed"], named["width"], named["height"], named["kind"]) == (4218, 64, 64, "text_to_image")
    assert (named["prompt"], named["negative_prompt"], named["model"]) == ("zebu", "clouds", "gesso-starter")
    assert (named["save_name"], named["day"]) == ("holiday", TODAY)
    assert server.picture(named["url"]).size == (64, 64)
    assert server.picture(named["thumbnail"]).size == (64, 64)
    assert server.client.get(f"/tasks/{named['task_id']}").json()["result"] == [named["url"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"q": "ZEBU ünlü"}, ["plain"]),
        ({"q": "zebu clouds"}, ["named"]),
        ({"q": "zebu horns"}, ["edited"]),
        ({"q": "holiday"}, ["named"]),
        ({"q": "4217"}, ["plain"]),
        ({"q": "zebu 421"}, []),
        ({"q": "zebu 100%"}, ["plain"]),
        ({"q": "zebu e_c"}, ["plain"]),
        ({"q": "z%u"}, []),
        ({"q": "zebu other.safetensors"}, ["mine"]),
        ({"q": "zebu lowpoly"}, ["mine"]),
        ({"q": "zebu gesso-starter", "kind": "inpaint"}, ["edited"]),
        ({"q": "zebu", "kind": "upscale"}, []),
        ({"q": "zebu", "day": TODAY, "kind": ""}, ["mine", "edited", "named", "plain"]),
        ({"q": "zebu", "day": "2001-01-01"}, []),
        ({"q": "zebu clouds", "day": "", "kind": ""}, ["named"]),
        ({"q": "zebu' OR 1=1 --"}, []),
    ],
    ids=str,
)
def test_every_word_must_be_in_it(
    server: Running, made: dict[str, str], query: dict[str, str], names: list[str]
) -> None:
    assert files(server, **query) == [made[name] for name in names]


def test_it_comes_in_pages(server: Running, made: dict[str, str]) -> None:
    pages = [search(server, q="zebu", page=page, page_size=3) for page in (1, 2, 3)]
    assert [len(page["pictures"]) for page in pages] == [3, 1, 0]
    assert {page["total"] for page in pages} == {4}


def test_what_was_deleted_is_not_found(server: Running) -> None:
    records = [server.made(prompt=f"a vanishing quokka {name}") for name in ("row", "file")]
    assert len(files(server, q="quokka")) == 2
    assert server.client.delete(f"/tasks/{records[0]['task_id']}").status_code == 204
    (server.outputs / TODAY / records[1]["result"][0].rpartition("/")[2]).unlink()
    assert files(server, q="quokka") == []


@pytest.mark.parametrize("query", ["day=21.11.2026", "kind=paint", "page=0", "page_size=201", "page=x"])
def test_a_search_that_cannot_be_is_422(server: Running, query: str) -> None:
    answer = server.client.get(f"{SEARCH}?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == query.split("=")[0]


def test_the_page_has_a_form_that_needs_no_script(server: Running, made: dict[str, str]) -> None:
    page = server.client.get("/outputs/").text
    assert '<form class="search"' in page
    assert "<script" not in page
    found = server.client.get("/outputs/", params={"q": "zebu <b>", "kind": "", "day": ""}).text
    assert "No picture has all of these." in found
    assert 'value="zebu &lt;b&gt;"' in found
    found = server.client.get("/outputs/", params={"q": "zebu", "kind": "inpaint", "day": TODAY}).text
    assert re.findall(r'<li class="card"><a href="([^"]+)"', found) == [f"{TODAY}/{made['edited']}"]
    assert '<option value="inpaint" selected>' in found
    for link in re.findall(r'(?:href|src)="([^"?]+)"', found):
        assert server.client.get(f"/outputs/{link}").status_code in (200, 307)


def test_pictures_of_an_older_database_are_found_too(server: Running, made: dict[str, str]) -> None:
    """What the migration fills in is what is written for a new picture."""
    with closing(sqlite3.connect(server.outputs / "db.sqlite3")) as connection:
        kept = connection.execute("SELECT task_id, kind, words FROM pictures WHERE words LIKE '%zebu%'").fetchall()
        migration = importlib.import_module("server.migrations.versions.0006_search")
        tasks = connection.execute("SELECT task_id, effective, save_name FROM tasks").fetchall()
        filled = {task[0]: migration.found_by(*task[1:]) for task in tasks}
    assert [filled[task_id] for task_id, *_ in kept] == [tuple(told) for _, *told in kept]
