"""What is asked becomes a plan without gaps, or is refused with a reason."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from configs.settings import ROOT
from masking.errors import GessoError, InvalidValue, ModelMissing, NotSupported, TooLarge
from pipelines import presets, samplers
from pipelines.planning import resolve
from pipelines.plans import Plan
from pipelines.tasks.inpaint import Inpaint
from pipelines.tasks.text_to_image import TextToImage
from tests import toys
from tests.pipelines.recipes import picture


@pytest.fixture
def image(tmp_path: Path) -> Path:
    Image.fromarray(picture(60, 45)).save(tmp_path / "image.png")
    return tmp_path / "image.png"


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    return save_mask(tmp_path, 60, 45)


def save_mask(folder: Path, width: int, height: int, *, value: int = 255) -> Path:
    pixels = np.zeros((height, width), np.uint8)
    pixels[height // 3 : height // 2, width // 3 : width // 2] = value
    Image.fromarray(pixels).save(folder / f"mask{width}x{height}x{value}.png")
    return folder / f"mask{width}x{height}x{value}.png"


def test_an_empty_wish_is_filled_from_the_preset(settings):
    plan = resolve(TextToImage(), settings)
    assert plan.recipe.checkpoint == "toy9"
    assert (plan.recipe.steps, plan.recipe.sampler, plan.recipe.scheduler) == (2, "euler", "karras")
    assert plan.painted == (64, 64)
    assert [(shot.width, shot.height) for shot in plan.shots] == [(64, 64)]
    assert 0 <= plan.shots[0].seed < 2**53
    assert plan.warnings == ()


def test_what_is_asked_wins(settings):
    asked = TextToImage(
        prompt="a ball\non a meadow\n\n at night ", negative_prompt="red", checkpoint="toy4", preset="toy9", steps=5,
        sampler="dpmpp_2m", scheduler="exponential", guidance_scale=1.5, clip_skip=2, deterministic=True,
    )  # fmt: skip
    recipe = resolve(asked, settings).recipe
    assert recipe.prompt == "a ball, on a meadow, at night"
    assert (recipe.negative_prompt, recipe.checkpoint, recipe.steps, recipe.clip_skip) == ("red", "toy4", 5, 2)
    assert (recipe.sampler, recipe.scheduler, recipe.guidance_scale) == ("dpmpp_2m", "exponential", 1.5)
    assert recipe.deterministic


@pytest.mark.parametrize(("increment", "seeds"), [(True, [2**63 - 2, 2**63 - 1, 0]), (False, [2**63 - 2] * 3)])
def test_seeds_count_up_and_begin_again_at_zero(settings, increment, seeds):
    plan = resolve(TextToImage(seed=2**63 - 2, image_number=3, seed_increment=increment), settings)
    assert [shot.seed for shot in plan.shots] == seeds


def test_an_asked_performance_decides_the_steps_and_asked_steps_decide_over_it(settings):
    assert resolve(TextToImage(performance="Quality"), settings).recipe.steps == 60
    assert resolve(TextToImage(performance="Quality", steps=3), settings).recipe.steps == 3


def test_fast_modes_take_few_steps_without_their_lora_and_say_so(settings):
    for name, steps in (("Extreme Speed", 8), ("Lightning", 4), ("Hyper-SD", 4)):
        plan = resolve(TextToImage(performance=name), settings)
        assert plan.recipe.steps == steps
        assert any(name in warning and "LoRA" in warning for warning in plan.warnings)


def test_a_plan_of_an_older_version_still_reads(settings):
    told = json.loads(resolve(TextToImage(), settings).to_json())
    for name in ("sharpness", "adaptive_cfg", "freeu", "vae"):
        del told["plan"]["recipe"][name]
    recipe = Plan.from_json(json.dumps(told)).recipe
    assert (recipe.sharpness, recipe.freeu, recipe.vae) == (0, (1, 1, 1, 1), "")


def test_a_plan_survives_json(settings, image, mask):
    for task in (TextToImage(image_number=2, seed=3), Inpaint(image=image, mask=mask, outpaint=("Left", "Top"))):
        plan = resolve(task, settings)
        again = Plan.from_json(plan.to_json())
        assert again == plan
        assert type(again) is type(plan)


def test_a_plan_of_no_known_kind_is_refused():
    with pytest.raises(ValueError, match="no task is called 'os'"):
        Plan.from_json(json.dumps({"kind": "os", "plan": {}}))


def test_effective_parameters_are_json_without_paths(settings, image, mask):
    used = resolve(Inpaint(image=image, mask=mask, seed=5, image_number=2, prompt="x"), settings).effective
    assert used["task"] == "inpaint"
    assert (used["width"], used["height"], used["seeds"], used["prompt"]) == (60, 45, [5, 6], "x")
    assert str(image.parent) not in json.dumps(used)
    assert "image" not in used


def test_plans_of_one_checkpoint_and_size_may_share_passes(settings):
    same = [resolve(TextToImage(prompt=str(i), steps=i + 1), settings).batch_key for i in range(2)]
    assert same[0] == same[1]
    assert resolve(TextToImage(width=96, height=64), settings).batch_key != same[0]
    assert resolve(TextToImage(checkpoint="toy4"), settings).batch_key != same[0]


def test_a_size_far_above_the_native_area_is_told(settings):
    plan = resolve(TextToImage(width=1152, height=896), settings)
    assert plan.painted == (80, 64)
    assert "1152x896" in plan.warnings[0]
    assert (plan.shots[0].width, plan.shots[0].height) == (1152, 896)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("width", 0, InvalidValue),
        ("width", 9000, TooLarge),
        ("image_number", 0, InvalidValue),
        ("image_number", 33, InvalidValue),
        ("seed", -1, InvalidValue),
        ("seed", 2**63, InvalidValue),
        ("steps", 0, InvalidValue),
        ("clip_skip", 13, InvalidValue),
        ("preset", "startr", InvalidValue),
        ("sampler", "dpmpp_2n", InvalidValue),
        ("scheduler", "karas", InvalidValue),
        ("performance", "Sped", InvalidValue),
        ("sharpness", 31, InvalidValue),
        ("adaptive_cfg", 101, InvalidValue),
        ("vae", "toy", InvalidValue),
        ("vae", "ponyDiffusionV6XL_vae.safetensors", ModelMissing),
        ("black_out_nsfw", True, InvalidValue),
        ("inpaint_engine", "v1", ModelMissing),
        ("checkpoint", "toy", InvalidValue),
        ("checkpoint", "ponyDiffusionV6XL.safetensors", ModelMissing),
        ("checkpoint", "../toy4", InvalidValue),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(settings, field, value, kind):
    with pytest.raises(GessoError) as refused:
        resolve(TextToImage(**{field: value}), settings)
    assert type(refused.value) is kind
    assert refused.value.field == field


def test_a_refusal_names_the_nearest_value(settings):
    with pytest.raises(InvalidValue, match="dpmpp_2m"):
        resolve(TextToImage(sampler="dpmpp_2n"), settings)
    with pytest.raises(InvalidValue, match="toy9"):
        resolve(TextToImage(checkpoint="toy99"), settings)
    with pytest.raises(ModelMissing, match=r"launch\.py download"):
        resolve(TextToImage(checkpoint="ponyDiffusionV6XL.safetensors"), settings)


def test_fooocus_default_checkpoint_gives_way_to_the_presets_with_a_warning(settings):
    plan = resolve(TextToImage(checkpoint="juggernautXL_v8Rundiffusion.safetensors"), settings)
    assert plan.recipe.checkpoint == "toy9"
    assert "juggernautXL" in plan.warnings[0]


def test_a_sampler_that_cannot_follow_the_presets_scheduler_gets_one_it_can(settings):
    plan = resolve(TextToImage(sampler="ddim"), settings)
    assert plan.recipe.scheduler == "ddim_uniform"
    assert "ddim" in plan.warnings[0]
    asked = resolve(TextToImage(sampler="ddim", scheduler="karras"), settings)
    assert "karras" in asked.warnings[0]


def test_clip_skip_beyond_the_text_encoder_is_told(settings):
    plan = resolve(TextToImage(clip_skip=12), settings)
    assert plan.recipe.clip_skip == 3
    assert "clip_skip" in plan.warnings[0]


@pytest.mark.parametrize("channels", [4, 9])
def test_a_checkpoint_of_another_kind_is_not_supported(settings, channels):
    folder = toys.stable_diffusion(settings.models_path / "checkpoints" / f"sub/other{channels}")
    told = json.loads((folder / "model_index.json").read_text())
    told["_class_name"] = "KolorsPipeline"
    (folder / "model_index.json").write_text(json.dumps(told))
    with pytest.raises(NotSupported, match="KolorsPipeline"):
        resolve(TextToImage(checkpoint=f"sub/other{channels}"), settings)


def test_inpaint_keeps_the_images_size_and_puts_the_additional_prompt_first(settings, image, mask):
    plan = resolve(Inpaint(image=image, mask=mask, prompt="a meadow", additional_prompt="a red ball"), settings)
    assert (plan.shots[0].width, plan.shots[0].height) == (60, 45)
    assert plan.recipe.prompt == "a red ball, a meadow"
    assert resolve(Inpaint(image=image, mask=mask, additional_prompt="a cup"), settings).recipe.prompt == "a cup"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({}, "mask"),
        ({"mask": "empty"}, "mask"),
        ({"mask": "faint"}, "mask"),
        ({"mask": "good", "erode_or_dilate": -30}, "mask"),
        ({"mask": "full", "invert_mask": True}, "mask"),
        ({"mask": "other"}, "mask"),
        ({"mask": "good", "strength": 1.1}, "strength"),
        ({"mask": "good", "respective_field": -0.1}, "respective_field"),
        ({"mask": "good", "erode_or_dilate": 65}, "erode_or_dilate"),
    ],
)
def test_an_inpaint_that_would_paint_nothing_or_nonsense_is_refused(settings, image, tmp_path, more, field):
    masks = {
        "empty": save_mask(tmp_path, 60, 45, value=0),
        "faint": save_mask(tmp_path, 60, 45, value=31),
        "good": save_mask(tmp_path, 60, 45),
        "other": save_mask(tmp_path, 50, 50),
        "full": tmp_path / "full.png",
    }
    Image.new("L", (60, 45), 255).save(masks["full"])
    told = {**more, "mask": masks[more["mask"]]} if "mask" in more else more
    with pytest.raises(InvalidValue) as refused:
        resolve(Inpaint(image=image, **told), settings)
    assert refused.value.field == field


def test_a_mask_of_the_same_shape_is_resized_with_a_warning(settings, image, tmp_path):
    plan = resolve(Inpaint(image=image, mask=save_mask(tmp_path, 120, 90)), settings)
    assert "120x90" in plan.warnings[0]


def test_outpainting_adds_thirds_and_works_at_full_strength_and_field(settings, image):
    plan = resolve(Inpaint(image=image, outpaint=("Left", "Bottom"), strength=0.5, respective_field=0.618), settings)
    assert (plan.shots[0].width, plan.shots[0].height) == (80, 60)
    assert (plan.effective["strength"], plan.effective["respective_field"]) == (1.0, 1.0)
    assert plan.effective["box"] == [0, 0, 80, 60]
    assert any("strength and respective_field" in warning for warning in plan.warnings)


def test_outpainting_too_little_or_too_much_is_refused(settings, image, tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "tiny.png")
    with pytest.raises(InvalidValue, match="outpaint_distance"):
        resolve(Inpaint(image=tmp_path / "tiny.png", outpaint=("Top",)), settings)
    with pytest.raises(TooLarge):
        resolve(Inpaint(image=image, outpaint=("Top",), outpaint_distance=(0, 9000, 0, 0)), settings)


@pytest.mark.parametrize(("strength", "steps", "skipped"), [(1, 2, 0), (0.5, 2, 2), (0.7, 24, 10), (0.01, 10, 990)])
def test_partial_strength_runs_all_its_steps_at_the_end_of_a_longer_schedule(
    settings, image, mask, strength, steps, skipped
):
    asked = 30 if strength == 0.01 else steps
    plan = resolve(Inpaint(image=image, mask=mask, strength=strength, steps=asked), settings)
    assert (plan.recipe.steps, plan.effective["skipped"]) == (steps, skipped)


def test_every_preset_is_possible_in_itself():
    for name in presets.names():
        preset = presets.load(name)
        sampler = samplers.check("sampler", preset.sampler, [])
        assert samplers.check("scheduler", preset.scheduler, []) in samplers.schedulers_of(sampler)
        assert (preset.width, preset.height) in preset.sizes


def test_planning_loads_no_model_library(settings, image, mask):
    heavy = ("torch", "diffusers", "transformers", "rembg", "onnxruntime", "cv2")
    code = (
        "import sys\nfrom pathlib import Path\nfrom configs.settings import Settings\n"
        "import pipelines.worker, pipelines.planning as planning\nfrom pipelines.tasks.inpaint import Inpaint\n"
        f"settings = Settings(models_path=Path({str(settings.models_path)!r}), preset='starter')\n"
        f"task = Inpaint(image=Path({str(image)!r}), mask=Path({str(mask)!r}), checkpoint='toy9')\n"
        "plan = planning.resolve(task, settings)\nassert type(plan).from_json(plan.to_json()) == plan\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"


def test_tasks_are_frozen(image):
    with pytest.raises(dataclasses.FrozenInstanceError):
        Inpaint(image=image).prompt = "x"  # type: ignore[misc]
