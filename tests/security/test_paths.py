"""Names that want to be paths: none leaves its folder, to read or to write."""

from collections.abc import Iterator
from contextlib import suppress
from html import escape
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from tests.server.running import Running, as_text, start

MARK = "what nobody may read"
SECRET_SIZE = (17, 13)

NAMES = [
    "../secret",
    "../../secret",
    "..\\secret",
    "..\\..\\secret",
    "x/../../secret",
    "./../secret",
    "/etc/passwd",
    "//etc/passwd",
    "\\\\host\\share\\secret",
    "C:\\Windows\\win.ini",
    "C:secret",
    "secret:stream",
    "file:///etc/passwd",
    "..",
    ".",
    "./",
    ".hidden",
    "....//secret",
    "..;/secret",
    "%2e%2e/secret",
    "x\0.png",
    "x\r\ny",
    "x\x7fy",
    "gnp.\u202eexe",
    "CON",
    "nul",
    "aux.tar",
    "COM1",
    "lpt9.x",
    "secret/",
    "a|b",
    "*",
    "~/secret",
    "link/secret",
]
"""No file is ever called this."""

FIELDS = ["preset", "base_model_name", "vae_name", "refiner_model_name", "style_selections", "loras", "inpaint_engine",
          "upscale_model"]  # fmt: skip

URLS = [
    "/outputs/../secret.png",
    "/outputs/..%2fsecret.png",
    "/outputs/%2e%2e/secret.png",
    "/outputs/%2e%2e%2fsecret.png",
    "/outputs/..%5csecret.png",
    "/outputs/..%c0%afsecret.png",
    "/outputs/%252e%252e/secret.png",
    "/outputs/.%2e/secret.png",
    "/outputs/..;/secret.png",
    "/outputs//secret.png",
    "/outputs/2005-01-01/../../secret.png",
    "/outputs/2005-01-01/..%2f..%2fsecret.png",
    "/outputs/2005-01-01/..%5c..%5csecret.png",
    "/outputs/2005-01-01/%2e%2e%2f%2e%2e%2fsecret.png",
    "/outputs/2005-01-01/link.png",
    "/outputs/2005-01-01/x%00.png",
    "/outputs/2005-01-01/CON.png",
    "/outputs/2005-01-01/nul.x.png",
    f"/outputs/2005-01-01/{'a' * 400}.png",
    f"/outputs/2005-01-01/{quote('ü' * 200)}.png",
    "/outputs/2005-01-02/secret.png",
    "/outputs/2005-01-02/",
    "/outputs/db.sqlite3",
    "/outputs/2005-01-01/db.sqlite3",
    "/outputs/.hashes.json",
    "/outputs/.thumbnails/2005-01-01/x.png.webp",
    "/outputs/2005-01-01%2f..%2f..%2fsecret.png",
    "/thumbnails/..%2f/secret.png",
    "/thumbnails/%2e%2e/secret.png",
    "/thumbnails/2005-01-01/..%2f..%2fsecret.png",
    "/thumbnails/2005-01-02/secret.png",
    "/outputs/..%252fsecret.png",
    "/outputs/..%255csecret.png",
    "/outputs/%2e%2e%5csecret.png",
    "/outputs/%2e%2e;/secret.png",
    "/outputs/....//secret.png",
    "/outputs/..../secret.png",
    "/outputs/..%00/secret.png",
    "/outputs/..%09/secret.png",
    "/outputs/..%20/secret.png",
    "/outputs/%c0%ae%c0%ae/secret.png",
    "/outputs/%e0%80%ae%e0%80%ae/secret.png",
    "/outputs/%uff0e%uff0e/secret.png",
    "/outputs/%ef%bc%8e%ef%bc%8e/secret.png",
    "/outputs/..%e2%88%95secret.png",
    "/outputs/2005-01-01/./../../secret.png",
    "/outputs/2005-01-01/..%2f..%2f..%2fetc%2fpasswd",
    "/outputs/2005-01-01/C:%5cWindows%5cwin.ini",
    "/outputs/2005-01-01/link.png%00.webp",
    "/outputs/2005-01-01/link.png::$DATA",
    "/inputs/..%252fsecret.png",
    "/inputs/%2e%2e%2fsecret.png",
    "/inputs/..%5csecret.png",
    "/inputs/..;/secret.png",
    "/inputs/%5c%5chost%5cshare%5csecret.png",
    "/thumbnails/2005-01-01/link.png",
    "/thumbnails/2005-01-01/%2e%2e%5c%2e%2e%5csecret.png",
    "/static/%2e%2e/secret.png",
    "/inputs/../secret.png",
    "/inputs/..%2fsecret.png",
    "/inputs/%2e%2e%5csecret.png",
    "/inputs/%2fetc%2fpasswd.png",
    "/inputs/link.png",
    "/static/docs/../../secret.png",
    "/static/docs/..%2f..%2fsecret.png",
    "/static/docs/%2e%2e/%2e%2e/secret.png",
    "/static/docs//etc/passwd",
    "/static/docs/..%5c..%5csecret.png",
    "/v1/engines/presets/..%2fsecret/download",
    "/v1/engines/presets/%2e%2e%5csecret/download",
    "/tasks/..%2f..%2fsecret.png",
    "/tasks/..%2fsecret/events",
    "/v1/engines/downloads/..%2fsecret",
]

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "</p></div><svg onload=alert(1)>",
    "$body $title {prompt} %(x)s",
    "&lt;b&gt;<b>bold</b>",
    "javascript:alert(1)",
]


@pytest.fixture(scope="module")
def housed(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """A server with secrets around its folders, and links that lead to them."""
    folder = tmp_path_factory.mktemp("housed")
    running = start(folder, toy_models)
    Image.new("RGB", SECRET_SIZE).save(folder / "secret.png")
    for name in ("secret", "secret.txt", "secret.json", "secret.safetensors"):
        (folder / name).write_text(MARK, encoding="utf-8")
    day = folder / "outputs" / "2005-01-01"
    day.mkdir(parents=True)
    (folder / "inputs").mkdir(exist_ok=True)
    for link, target in ((day / "link.png", folder / "secret.png"), (folder / "inputs" / "link.png",
                         folder / "secret.png"), (folder / "outputs" / "2005-01-02", folder)):  # fmt: skip
        with suppress(OSError):  # no right to make links here: then there are none to follow
            link.symlink_to(target)
    try:
        running.wait()
        yield running
    finally:
        assert running.stop() == 0, running.log


def outside(server: Running) -> set[Path]:
    """Every file beside the server's two folders."""
    own = (server.outputs, server.folder / "inputs")
    return {path for path in server.folder.rglob("*") if not any(path.is_relative_to(folder) for folder in own)}


@pytest.mark.parametrize("name", [*NAMES, "a" * 300, "ü" * 101])
def test_a_save_name_stays_in_the_days_folder(housed: Running, name: str) -> None:
    before, kept = outside(housed), set(housed.outputs.rglob("*"))
    answer = housed.generate(save_name=name)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"] == ["body", "save_name"]
    assert (outside(housed), set(housed.outputs.rglob("*"))) == (before, kept)


@pytest.mark.parametrize("name", ["a picture", "concert", "100%", "ein Bild, übermalt", "a#b&c=d", "x.y", "猫", "x "])
def test_a_plain_save_name_is_taken_and_its_url_leads_to_it(housed: Running, name: str) -> None:
    (url,) = housed.made(save_name=name)["result"]
    assert housed.picture(url).size == (64, 64)
    (file,) = [path for path in housed.outputs.rglob("*.png") if path.name.startswith(f"{name}-0")]
    assert file.read_bytes() == housed.client.get(url).content


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", NAMES[:8])
def test_a_name_of_something_installed_leads_nowhere_else(housed: Running, field: str, name: str) -> None:
    value = {"style_selections": [name], "loras": [{"enabled": True, "model_name": name}]}.get(field, name)
    more = {"uov_input_image": as_text(Image.new("RGB", (8, 8))), "uov_method": "Upscale (2x)"}
    answer = housed.generate(**{field: value}, **(more if field == "upscale_model" else {}))
    assert answer.status_code in (422, 424, 501), answer.text
    assert MARK not in answer.text


@pytest.mark.parametrize("name", NAMES[:8])
def test_a_mask_model_is_one_that_is_installed(housed: Running, name: str) -> None:
    for asked in ({"mask_model": name}, {"mask_model": "sam", "dino_prompt_text": "x", "sam_model": name}):
        image = {"image": as_text(Image.new("RGB", (8, 8)))}
        assert housed.client.post("/v1/tools/generate_mask", json=image | asked).status_code in (422, 424)


def test_a_wildcard_is_one_of_the_folders_own(housed: Running) -> None:
    names = ("../secret", "/etc/passwd", "..\\secret", "../../secret")
    answer = housed.made(prompt=" ".join(f"__{name}__" for name in names) + " <lora:../secret:0>")
    assert MARK not in str(answer)
    assert "root:" not in str(answer)


@pytest.mark.parametrize("url", URLS)
def test_no_url_leads_out_of_the_folders(housed: Running, url: str) -> None:
    request = httpx.Request("GET", f"http://127.0.0.1:{housed.port}/")
    request.url = request.url.copy_with(raw_path=url.encode())
    answer = housed.client.send(request)
    assert answer.status_code in (307, 404, 422)
    assert MARK not in answer.text
    if answer.status_code == 307:
        assert answer.headers["location"].count("/") == 1


@pytest.mark.parametrize("path", [url for url in URLS if url.startswith(("/outputs/", "/inputs/"))])
def test_a_url_of_our_own_in_a_request_leads_out_of_no_folder(housed: Running, path: str) -> None:
    asked = {"image": f"http://127.0.0.1:{housed.port}{path}"}
    answer = housed.client.post("/v1/tools/read-metadata", json=asked)
    assert answer.status_code == 422
    assert "kept here" in answer.json()["detail"][0]["msg"]


def test_prompts_are_text_on_every_page(housed: Running) -> None:
    for prompt in NASTY:
        day = housed.made(prompt=prompt)["result"][0].split("/outputs/")[1].split("/")[0]
    answer = housed.client.get(f"/outputs/{day}/")
    for prompt in NASTY:
        assert escape(prompt) in answer.text
    assert "<script" not in answer.text
    assert "<svg" not in answer.text
    assert "onfocus='" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_refusals_are_json_whatever_they_repeat(housed: Running) -> None:
    for path in ("/outputs/<script>/x.png", "/tasks/<script>", "/<script>"):
        answer = housed.client.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_hundred_ways_out_are_tried() -> None:
    assert len(set(NAMES) | set(URLS)) >= 100
