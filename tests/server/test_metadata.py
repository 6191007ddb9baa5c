"""What files tell of how they were made, where other programs look for it, and the request that makes them again."""

import io
import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from configs.settings import ROOT
from tests.server.running import Running, as_text

READ = "/v1/tools/read-metadata"
FORMATS = ("png", "jpeg", "webp")


def read(server: Running, image: str) -> httpx.Response:
    return server.client.post(READ, json={"image": image})


def reading(server: Running, image: str) -> dict[str, Any]:
    answer = read(server, image)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def pixels(server: Running, url: str) -> np.ndarray:
    return np.asarray(server.picture(url).convert("RGB"))


def file_with(**chunks: str) -> str:
    """A PNG of another program: the base64 text of a picture with text chunks."""
    told = PngInfo()
    for name, text in chunks.items():
        told.add_text(name, text)
    return as_text(Image.new("RGB", (8, 8)), pnginfo=told)


def places(picture: Image.Image) -> tuple[str, str]:
    """Text and scheme where Fooocus looks for them."""
    if picture.format == "PNG":
        return picture.info["parameters"], picture.info["fooocus_scheme"]
    tags = picture.getexif()
    assert tags[0x0131] == "Fooocus v2.5.5"
    return tags[0x9286], tags[0x927C]


@pytest.mark.contract("17/fooocus-keys", "17/png", "17/jpeg", "17/webp", "17/version")
@pytest.mark.parametrize("form", FORMATS)
def test_fooocus_finds_its_scheme_in_every_format(server: Running, toy_models: Path, form: str) -> None:
    record = server.made(
        prompt="a __color__ tree\nleaves", negative_prompt="snow", image_seed=7, output_format=form, clip_skip=2,
        style_selections=["SAI Anime"], sampler_name="euler", scheduler_name="karras", performance_selection="Quality",
    )  # fmt: skip
    text, scheme = places(server.picture(record["result"][0]))
    told = json.loads(text)
    assert scheme == told["metadata_scheme"] == "fooocus"
    assert (told["seed"], told["resolution"], told["steps"], told["clip_skip"]) == ("7", "(64, 64)", 1, 2)
    assert (told["sampler"], told["scheduler"], told["performance"]) == ("euler", "karras", "Quality")
    assert (told["base_model"], told["styles"]) == ("gesso-starter", "['SAI Anime']")
    weights = sorted((toy_models / "checkpoints" / "gesso-starter").rglob("*.safetensors"))
    assert told["base_model_hash"] == sha256(b"".join(map(Path.read_bytes, weights))).hexdigest()[:10]
    first = told["prompt"].split("\n")[0]
    assert first.startswith("a ")
    assert "__" not in first
    assert (told["prompt"].split("\n")[1], told["negative_prompt"]) == ("leaves", "snow")
    assert first in told["full_prompt"][0]
    assert told["full_prompt"][0] != first
    assert told["full_negative_prompt"][0] == "snow"
    assert {"adm_guidance", "guidance_scale", "loras", "refiner_model", "refiner_switch", "sharpness", "vae",
            "prompt_expansion"} <= set(told)  # fmt: skip


@pytest.mark.contract("17/a1111-text", "17/a1111-quoting", "17/png", "17/jpeg", "17/webp")
@pytest.mark.parametrize("form", FORMATS)
def test_a1111_finds_its_scheme_in_every_format(server: Running, form: str) -> None:
    record = server.made(prompt="äh, 日本", image_seed=8, output_format=form, metadata_scheme="a1111")
    assert not [warning for warning in record["warnings"] if "metadata" in warning]
    picture = server.picture(record["result"][0])
    text, scheme = places(picture)
    if form != "png":
        comment = picture.getexif().get_ifd(0x8769)[0x9286]
        assert comment.startswith(b"UNICODE\0")
        text = comment[8:].decode("utf-16-be")
    assert scheme == "a1111"
    assert text.startswith("äh, 日本\nSteps: 1, Sampler: ")
    assert ", Seed: 8, Size: 64x64, CFG scale: 1.2, " in text
    assert 'Raw prompt: "äh, 日本"' in text


@pytest.mark.contract("17/read-back")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("scheme", ["fooocus", "a1111"])
def test_the_request_of_any_file_is_given_back_and_makes_it_again(server: Running, form: str, scheme: str) -> None:
    asked: dict[str, Any] = {
        "prompt": "__animal__ on [[red, green, blue]] grass\nsecond [[x, y]] line 日本",
        "negative_prompt": "__color__", "style_selections": ["Random Style"], "image_number": 3, "image_seed": 77,
        "overwrite_step": 3, "deterministic": True, "read_wildcards_in_order": True, "output_format": form,
        "guidance_scale": 3, "sampler_name": "euler_ancestral", "metadata_scheme": scheme, "stream_output": False,
        "sharpness": 5, "adaptive_cfg": 2, "freeu_enabled": True, "freeu_b1": 1.3,
    }  # fmt: skip
    last = server.made(**asked)["result"][2]
    told = reading(server, last)
    assert (told["exact"], told["warnings"], told["scheme"]) == (True, [], scheme)
    assert [told["request"][f"image_{what}"] for what in ("seed", "number", "index")] == [79, 1, 2]
    assert told["request"]["prompt"] == asked["prompt"]
    assert (told["request"]["freeu_b1"], told["request"]["freeu_b2"]) == (1.3, 1.02)
    again = server.client.post("/v1/engine/generate", json=told["request"]).json()
    np.testing.assert_array_equal(pixels(server, again["result"][0]), pixels(server, last))
    assert again["effective_params"]["deterministic"] is True


@pytest.mark.contract("17/read-back")
def test_an_edit_is_made_again_from_its_kept_inputs(server: Running, photo: Image.Image, box_mask: Image.Image) -> None:
    record = server.made(
        prompt="a hat", inpaint_input_image=as_text(photo), inpaint_mask_image_upload=as_text(box_mask),
        inpaint_strength=0.7, overwrite_step=30, inpaint_additional_prompt="red", inpaint_respective_field=0.4,
        inpaint_erode_or_dilate=2, outpaint_selections=[], deterministic=True, image_seed=3,
    )  # fmt: skip
    content = server.client.get(record["result"][0]).content
    told = reading(server, b64encode(content).decode())
    request = told["request"]
    assert request["inpaint_input_image"] == record["req_params"]["inpaint_input_image"]
    assert as_text(photo)[:200] not in json.dumps(Image.open(io.BytesIO(content)).info["gesso"])
    assert request["overwrite_step"] == 30
    again = server.client.post("/v1/engine/generate", json=request).json()
    np.testing.assert_array_equal(pixels(server, again["result"][0]), pixels(server, record["result"][0]))
    same = {"steps", "skipped", "strength", "box", "grown", "seeds"}
    assert {name: again["effective_params"][name] for name in same} == {
        name: record["effective_params"][name] for name in same
    }


def test_a_variation_is_made_again_with_as_many_steps(server: Running, photo: Image.Image) -> None:
    record = server.made(
        uov_input_image=as_text(photo), uov_method="Vary (Strong)", deterministic=True, overwrite_step=13
    )
    request = reading(server, record["result"][0])["request"]
    again = server.client.post("/v1/engine/generate", json=request).json()
    np.testing.assert_array_equal(pixels(server, again["result"][0]), pixels(server, record["result"][0]))
    for name in ("steps", "skipped"):
        assert again["effective_params"][name] == record["effective_params"][name]


def test_an_input_that_was_removed_is_named(server: Running, box_mask: Image.Image) -> None:
    unlike = Image.effect_noise((72, 56), 90).convert("RGB")
    record = server.made(inpaint_input_image=as_text(unlike), inpaint_mask_image_upload=as_text(box_mask))
    request = reading(server, record["result"][0])["request"]
    name = request["inpaint_input_image"].split("/")[-1]
    (server.folder / "inputs" / name).unlink()
    answer = read(server, record["result"][0])
    assert answer.status_code == 424
    told = answer.json()
    assert told["field"] == "inpaint_input_image"
    assert name in told["detail"]
    assert told["request"] == request, "what else the picture tells can still be had"
    refused = server.client.post("/v1/engine/generate", json=request)
    assert (refused.status_code, refused.json()["field"]) == (424, "inpaint_input_image")
    assert name in refused.json()["detail"]


def test_a_request_is_complete_without_its_preset_and_keeps_secrets(server: Running) -> None:
    record = server.made(save_name="secret-name", async_process="false")
    request = reading(server, record["result"][0])["request"]
    told = json.loads((ROOT / "configs" / "presets" / "starter.json").read_text(encoding="utf-8"))
    assert request["base_model_name"] == told["default_model"]
    assert request["guidance_scale"] == told["default_cfg_scale"]
    assert (request["sampler_name"], request["scheduler_name"]) == ("euler", "sgm_uniform")
    assert (request["clip_skip"], request["style_selections"], request["preset"]) == (1, [], "starter")
    assert {"webhook_url", "save_name", "async_process", "stream_output", "require_base64"}.isdisjoint(request)
    assert "secret-name" not in server.picture(record["result"][0]).info["gesso"]


def test_one_that_was_not_made_alone_is_not_said_to_be_exact(server: Running) -> None:
    told = reading(server, server.made(image_number=2)["result"][1])
    assert told["exact"] is False
    assert any("deterministic" in warning for warning in told["warnings"])
    assert told["request"]["deterministic"] is True


def test_a_picture_of_fooocus_becomes_a_request(server: Running) -> None:
    parameters = {
        "prompt": "a cat", "negative_prompt": "dogs", "styles": "['Fooocus Sharp', 'SAI Anime']", "seed": "123",
        "performance": "Warp Speed", "resolution": "(1152, 896)", "steps": 30, "sampler": "dpmpp_2m_sde_gpu",
        "scheduler": "karras", "base_model": "juggernautXL_v8Rundiffusion", "base_model_hash": "aeb7e9e689",
        "loras": [["film", 0.5, "abc"]], "guidance_scale": 4, "adm_guidance": "(1.4, 0.7, 0.2)", "sharpness": 3,
        "vae": "Default (model)", "refiner_model": "None", "version": "Fooocus v2.5.5",
        "freeu": "(1.1, 1.2, 0.9, 0.8)", "prompt_expansion": "\ud800",
    }  # fmt: skip
    told = reading(server, file_with(parameters=json.dumps(parameters), fooocus_scheme="fooocus"))
    request = told["request"]
    assert (told["scheme"], told["exact"]) == ("fooocus", False)
    assert told["metadata"]["checkpoint_digest"] == "aeb7e9e689"
    assert (request["prompt"], request["negative_prompt"], request["image_seed"]) == ("a cat", "dogs", 123)
    assert request["style_selections"] == ["Fooocus Sharp", "SAI Anime"]
    assert request["base_model_name"] == "juggernautXL_v8Rundiffusion.safetensors"
    assert request["aspect_ratios_selection"] == "1152*896"
    assert request["loras"] == [{"enabled": True, "model_name": "film.safetensors", "weight": 0.5}]
    assert (request["adm_scaler_end"], request["sharpness"], request["overwrite_step"]) == (0.2, 3, 30)
    assert (request["freeu_enabled"], request["freeu_s1"]) == (True, 0.9)
    assert "performance_selection" not in request
    assert any("Warp Speed" in warning for warning in told["warnings"])


def test_a_picture_of_the_web_ui_becomes_a_request(server: Running) -> None:
    text = "a cat\nNegative prompt: dogs\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x80"
    text += ", Model: gesso-starter"
    request = reading(server, file_with(parameters=text))["request"]
    again = server.client.post("/v1/engine/generate", json=request | {"overwrite_step": 1})
    assert again.status_code == 200, again.text
    used = again.json()["effective_params"]
    assert (used["prompt"], used["negative_prompt"], used["checkpoint"]) == ("a cat", "dogs", "gesso-starter")
    assert (used["sampler"], used["width"], used["height"], used["seeds"]) == ("euler_ancestral", 64, 80, [5])


@pytest.mark.parametrize(
    "image",
    [
        None,
        "",
        "no picture",
        as_text(Image.new("RGB", (8, 8))),
        file_with(parameters="hello", Comment="x"),
        file_with(gesso="[" * 5000),
        file_with(gesso='{"gesso": 99, "request": {}, "inputs": {}}'),
        file_with(gesso='{"gesso": 1, "request": 5, "inputs": {}}'),
    ],
)
def test_a_picture_that_tells_nothing_is_refused(server: Running, image: str | None) -> None:
    answer = server.client.post(READ, json={"image": image})
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"] == ["body", "image"]


def test_a_forged_text_can_name_no_file_outside_the_inputs(server: Running) -> None:
    own = {"gesso": 1, "request": {"prompt": "\ud800", "strange": 1}, "inputs": {"inpaint_input_image": "../../etc/x"}}
    answer = read(server, file_with(gesso=json.dumps(own)))
    assert answer.status_code == 424
    assert answer.json()["request"]["inpaint_input_image"].endswith("/inputs/x.png")
    assert answer.json()["request"]["prompt"] == "?"
    assert "strange" not in answer.json()["request"]
    assert any("strange" in warning for warning in answer.json()["warnings"])


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_told_when_that_is_asked(server: Running, form: str) -> None:
    record = server.made(save_metadata_to_images=False, output_format=form, metadata_scheme="a1111")
    picture = server.picture(record["result"][0])
    assert not {"parameters", "fooocus_scheme", "gesso"} & set(picture.info)
    assert not dict(picture.getexif())


@pytest.mark.parametrize("form", FORMATS)
def test_a_converted_picture_tells_the_same(server: Running, made_png: str, form: str) -> None:
    content = server.client.get(made_png, headers={"Accept": f"image/{form}"}).content
    assert reading(server, b64encode(content).decode())["request"] == reading(server, made_png)["request"]


def test_a_jpeg_keeps_what_it_has_room_for(server: Running) -> None:
    words = "".join(f"word{n} " for n in range(3000))
    for prompt, gone in ((words, "only Gesso's own"), (words * 4, "no metadata fits")):
        record = server.made(prompt=prompt, output_format="jpeg")
        assert [warning for warning in record["warnings"] if gone in warning]
        assert server.picture(record["result"][0]).size == (64, 64)
        assert read(server, record["result"][0]).status_code == (200 if prompt == words else 422)
    assert reading(server, server.made(prompt=words * 4, output_format="webp")["result"][0])["parameters"]


@pytest.mark.contract("4/generate_image_grid")
@pytest.mark.parametrize(("number", "columns", "rows"), [(2, 2, 1), (3, 2, 2), (5, 3, 2)])
def test_a_grid_shows_all_pictures_of_a_task(server: Running, number: int, columns: int, rows: int) -> None:
    record = server.made(image_number=number, generate_image_grid=True, aspect_ratios_selection="64*48", image_seed=1)
    *urls, last = record["result"]
    assert len(urls) == number
    assert record["result_seeds"] == [*range(1, number + 1), 1]
    sheet = pixels(server, last)
    assert sheet.shape == (rows * 48, columns * 64, 3)
    for n, url in enumerate(urls):
        top, left = n // columns * 48, n % columns * 64
        np.testing.assert_array_equal(sheet[top : top + 48, left : left + 64], pixels(server, url))
    assert not sheet[(rows - 1) * 48 :, (number - (rows - 1) * columns) * 64 :].any()


def test_a_grid_tells_the_request_for_all_of_it(server: Running) -> None:
    record = server.made(image_number=2, generate_image_grid=True, deterministic=True, image_seed=5, save_name="sheet")
    assert [url.split("/")[-1] for url in record["result"]][2].startswith("sheet-grid")
    told = reading(server, record["result"][2])
    again = server.client.post("/v1/engine/generate", json=told["request"]).json()
    for url, same in zip(record["result"], again["result"], strict=True):
        np.testing.assert_array_equal(pixels(server, url), pixels(server, same))


def test_one_picture_makes_no_grid(server: Running) -> None:
    record = server.made(generate_image_grid=True)
    assert len(record["result"]) == 1
    assert any("generate_image_grid" in warning for warning in record["warnings"])
