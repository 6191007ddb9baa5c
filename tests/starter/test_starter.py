"""The starter pack as it is shipped, through the server's own door; the judge is no model."""

import io
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from configs.settings import ROOT
from tests.server.running import Running, as_text
from training import captions, judge
from training.objects import OBJECTS
from training.scenes import Painting, Scene, Thing, draw, paint

STARTER = ROOT / "models" / "starter"


def made(server: Running, **fields: object) -> tuple[np.ndarray, dict]:
    answer = server.client.post("/v1/engine/generate", json={"image_seed": 11} | fields)
    assert answer.status_code == 200, answer.text
    record = answer.json()
    return np.asarray(server.picture(record["result"][0])), record


@pytest.fixture(scope="module")
def painting() -> Painting:
    ball = Thing(kind="ball", colour="red", x=176, y=160, radius=56)
    return paint(Scene(place="meadow", things=(ball,), width=256, height=256, horizon=140, seed=3))


def test_all_of_it_is_small_enough_to_ship() -> None:
    files = [path for path in STARTER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 32 * 2**20
    assert {path.suffix for path in files} <= {".safetensors", ".onnx", ".json", ".txt", ".md"}


def test_a_prompt_gives_its_thing_in_its_colour_at_its_place(server: Running) -> None:
    asked = [
        ("red", "ball", "meadow"),
        ("blue", "star", "snow"),
        ("yellow", "boat", "sea"),
        ("purple", "house", "night"),
        ("green", "tree", "desert"),
        ("pink", "balloon", "sunset"),
    ]
    right = []
    for colour, kind, place in asked:
        text = f"a {colour} {kind} {captions.SIMPLE[place]}, beautiful, highly detailed"
        picture, record = made(server, prompt=text)
        assert picture.shape == (256, 256, 3)
        assert record["warnings"] == []
        seen = judge.things(picture)[0]
        right.append((seen.colour, seen.kind, judge.place(picture)) == (colour, kind, place))
    assert sum(right) >= 5


def test_a_large_wide_picture_comes_at_its_exact_size_and_says_how(server: Running) -> None:
    picture, record = made(server, prompt="a green tree in the desert", aspect_ratios_selection="1152*896")
    assert picture.shape == (896, 1152, 3)
    assert any("288x224" in warning for warning in record["warnings"])


def test_the_salient_mask_is_the_object(server: Running) -> None:
    rng = np.random.default_rng(20_261_121)
    shares = []
    for _ in range(8):
        scene = paint(draw(rng, count=1))
        answer = server.client.post("/v1/tools/generate_mask", json={"image": as_text(Image.fromarray(scene.picture))})
        mask = np.asarray(Image.open(io.BytesIO(b64decode(answer.json())))) > 127
        shares.append((mask & scene.masks[0]).sum() / (mask | scene.masks[0]).sum())
    assert np.mean(shares) >= 0.85


def test_inpaint_paints_the_asked_colour_and_leaves_the_rest(server: Running, painting: Painting) -> None:
    hole = np.zeros((256, 256), np.uint8)
    hole[110:220, 10:115] = 255
    picture, _ = made(
        server,
        inpaint_input_image=as_text(Image.fromarray(painting.picture)),
        inpaint_mask_image_upload=as_text(Image.fromarray(hole)),
        inpaint_additional_prompt="a blue ball",
    )
    assert np.array_equal(picture[hole == 0], painting.picture[hole == 0])
    assert judge.things(picture, where=hole > 0)[0].colour == "blue"


@pytest.mark.parametrize("sides", [["Left"], ["Left", "Bottom"], ["Top", "Right"]])
def test_outpaint_goes_on_with_the_place(server: Running, painting: Painting, sides: list[str]) -> None:
    picture, _ = made(
        server,
        inpaint_input_image=as_text(Image.fromarray(painting.picture)),
        outpaint_selections=sides,
        prompt="on a meadow",
    )
    left, top = 85 * ("Left" in sides), 85 * ("Top" in sides)
    assert picture.shape == (256 + 85 * bool({"Top", "Bottom"} & set(sides)), 256 + 85, 3)
    assert np.array_equal(picture[top : top + 256, left : left + 256], painting.picture)
    assert judge.place(picture) == "meadow"


def test_the_checkpoint_is_one_that_diffusers_loads(tmp_path: Path) -> None:
    from diffusers import StableDiffusionInpaintPipeline

    pipeline = StableDiffusionInpaintPipeline.from_pretrained(STARTER / "checkpoints" / "gesso-starter")
    assert pipeline.unet.config.in_channels == 2 * pipeline.vae.config.latent_channels + 1
    words = pipeline.tokenizer.tokenize(" ".join(OBJECTS))
    assert words == [f"{kind}</w>" for kind in OBJECTS]
