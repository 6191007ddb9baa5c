"""Fooocus's and AUTOMATIC1111's metadata: written as they write it, and read whoever wrote it."""

import json
import time
from dataclasses import replace

import pytest

from server import metadata
from server.metadata import Facts, LoraFact, a1111, fooocus

FACTS = Facts(
    prompt='a "cat", with: signs\na second line',
    negative_prompt="dogs",
    full_prompt=("cinematic still a cat", "film grain"),
    full_negative_prompt=("dogs", "blurry"),
    expansion="",
    styles=("Fooocus Sharp", "SAI 3D Model's"),
    performance="Speed",
    steps=30,
    sharpness=2.0,
    guidance_scale=4.5,
    adaptive_cfg=9.0,
    adm=(1.5, 0.8, 0.3),
    freeu=(1.01, 1.02, 0.99, 0.95),
    checkpoint="sub/sd_xl_base_1.0.safetensors",
    checkpoint_digest="31e35c80fc",
    refiner="None",
    refiner_switch=0.5,
    loras=(LoraFact(name="film.safetensors", weight=0.25, digest="0123456789"), LoraFact(name="x_1.5", weight=-1.0)),
    vae="Default (model)",
    clip_skip=2,
    seed=2**63 - 1,
    width=1152,
    height=896,
    sampler="dpmpp_2m_sde_gpu",
    scheduler="karras",
)
STEMS = {"checkpoint": "sd_xl_base_1.0"}


@pytest.mark.contract("17/fooocus-keys", "17/fooocus-optional", "17/version")
def test_fooocus_finds_its_own_keys() -> None:
    told = json.loads(fooocus.write(FACTS))
    assert list(told) == sorted(told)
    assert told["adm_guidance"] == "(1.5, 0.8, 0.3)"
    assert (told["base_model"], told["base_model_hash"]) == ("sd_xl_base_1.0", "31e35c80fc")
    assert told["full_prompt"] == ["cinematic still a cat", "film grain"]
    assert told["loras"] == [["film", 0.25, "0123456789"], ["x_1.5", -1.0, ""]]
    assert told["lora_combined_1"] == "film.safetensors : 0.25"
    assert (told["resolution"], told["seed"]) == ("(1152, 896)", str(2**63 - 1))
    assert told["styles"] == """['Fooocus Sharp', "SAI 3D Model's"]"""
    assert (told["metadata_scheme"], told["version"]) == ("fooocus", "Fooocus v2.5.5")
    assert (told["clip_skip"], told["adaptive_cfg"]) == (2, 9.0)
    assert {"clip_skip", "adaptive_cfg", "freeu"}.isdisjoint(
        json.loads(fooocus.write(Facts(clip_skip=1, adaptive_cfg=7)))
    )


@pytest.mark.contract("17/a1111-text", "17/a1111-quoting")
def test_a1111_finds_its_three_parts() -> None:
    positive, negative, last = a1111.write(FACTS).split("\n")
    assert positive == "cinematic still a cat, film grain"
    assert negative == "Negative prompt: dogs, blurry"
    assert last.startswith("Steps: 30, Sampler: DPM++ 2M SDE Karras, Seed: 9223372036854775807, Size: 1152x896, CFG ")
    assert 'CFG scale: 4.5, Sharpness: 2.0, ADM Guidance: "(1.5, 0.8, 0.3)", Model: sd_xl_base_1.0, ' in last
    assert "Model hash: 31e35c80fc, Performance: Speed, Scheduler: karras, VAE: Default (model), " in last
    assert 'Raw prompt: "a \\"cat\\", with: signs\\na second line", Raw negative prompt: dogs' in last
    assert 'Lora hashes: "film: 0123456789, x_1.5: "' in last
    assert last.endswith(", Version: Fooocus v2.5.5")


def test_what_fooocus_form_tells_is_read_again() -> None:
    read = metadata.read(fooocus.write(FACTS), "fooocus")
    assert read
    name, facts = read
    assert name == "fooocus"
    for field in FACTS.__dataclass_fields__:
        assert getattr(facts, field) == STEMS.get(field, getattr(FACTS, field)), field


@pytest.mark.parametrize("claimed", ["a1111", "fooocus", None, "something else"])
def test_what_a1111s_form_tells_is_read_again_whatever_it_claims_to_be(claimed: str | None) -> None:
    read = metadata.read(a1111.write(FACTS), claimed)
    assert read
    name, facts = read
    assert name == "a1111"
    lost = {"styles", "expansion", "full_prompt", "full_negative_prompt", "refiner", "refiner_switch", "loras"}
    for field in set(FACTS.__dataclass_fields__) - lost:
        assert getattr(facts, field) == STEMS.get(field, getattr(FACTS, field)), field
    assert facts.loras == (LoraFact(name="film", weight=0.25, digest="0123456789"), LoraFact(name="x_1.5", weight=-1.0))
    assert facts.full_prompt == ("cinematic still a cat, film grain",)


def test_a_picture_of_the_web_ui_itself_is_read() -> None:
    text = (
        "a cat\non a mat\nNegative prompt: dogs\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, "
        'Seed: 5, Size: 512x768, Model hash: abcdef1234, Model: v1-5, Clip skip: 2, Hashes: {"a": "b"}, Version: v1.10'
    )
    read = metadata.read(text, None)
    assert read
    facts = read[1]
    assert (facts.prompt, facts.negative_prompt) == ("a cat\non a mat", "dogs")
    assert (facts.sampler, facts.scheduler, facts.steps, facts.seed) == ("dpmpp_2m", "karras", 20, 5)
    assert (facts.width, facts.height, facts.checkpoint, facts.clip_skip) == (512, 768, "v1-5", 2)


@pytest.mark.parametrize("text", ["", "a cat", "[1]", "{}", '{"nodes": []}', "[" * 99_999, "Steps: many", "9" * 5000])
def test_a_text_of_neither_scheme_tells_nothing(text: str) -> None:
    assert metadata.read(text, None) is None


def test_hostile_texts_take_no_time() -> None:
    begun = time.monotonic()
    for line in ("Steps: 1," + " " * 200_000, "Steps: 1," + "a" * 200_000, 'Steps: 1, a: "' + '\\"a: "' * 50_000):
        assert metadata.read(line, None)
    assert time.monotonic() - begun < 10


def test_odd_line_breaks_are_part_of_the_prompt() -> None:
    read = metadata.read(a1111.write(replace(FACTS, prompt="a\u2028b\x0bc")), None)
    assert read
    assert read[1].prompt == "a\u2028b\x0bc"


def test_senseless_values_are_left_out() -> None:
    text = json.dumps(
        {"seed": "x", "steps": [1], "loras": [[1], "a", ["b", "c"]], "styles": "__import__('os')", "prompt": 5}
    )
    read = metadata.read(text.replace("[1]", "1e999", 1), "fooocus")
    assert read
    assert (read[1].seed, read[1].steps, read[1].loras, read[1].prompt) == (None, None, (), None)
    assert read[1].styles == ("os",)
