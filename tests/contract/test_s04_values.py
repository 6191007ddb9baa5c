"""Section 4: every field by its name, with FooocusAPI's default, range and type."""

from typing import Any

import pytest
from _pytest.mark import ParameterSet

from tests.contract.looks import Ask
from tests.server.running import GENERATE, Running

NO_CONTROL = {"cn_img": "", "cn_stop": 0.6, "cn_weight": 0.6, "cn_type": "ImagePrompt"}

DEFAULTS: dict[str, Any] = {
    "prompt": "",
    "negative_prompt": "",
    "style_selections": ["Fooocus V2", "Fooocus Enhance", "Fooocus Sharp"],
    "performance_selection": "Speed",
    "aspect_ratios_selection": "1152×896",
    "image_number": 1,
    "output_format": "png",
    "read_wildcards_in_order": False,
    "sharpness": 2.0,
    "guidance_scale": 4.0,
    "base_model_name": "juggernautXL_v8Rundiffusion.safetensors",
    "refiner_model_name": "None",
    "refiner_switch": 0.5,
    "input_image_checkbox": True,
    "current_tab": "uov",
    "uov_method": "Disabled",
    "uov_input_image": "",
    "upscale_multiple": 1.0,
    "outpaint_selections": [],
    "outpaint_distance": [0, 0, 0, 0],
    "inpaint_input_image": "",
    "inpaint_mask_image_upload": "",
    "inpaint_additional_prompt": "",
    "inpaint_disable_initial_latent": False,
    "inpaint_engine": "v2.6",
    "inpaint_strength": 1.0,
    "inpaint_respective_field": 0.618,
    "inpaint_advanced_masking_checkbox": False,
    "invert_mask_checkbox": False,
    "inpaint_erode_or_dilate": 0,
    "debugging_inpaint_preprocessor": False,
    "disable_preview": False,
    "disable_intermediate_results": False,
    "disable_seed_increment": False,
    "black_out_nsfw": False,
    "adm_scaler_positive": 1.5,
    "adm_scaler_negative": 0.8,
    "adm_scaler_end": 0.3,
    "adaptive_cfg": 7.0,
    "clip_skip": 2,
    "sampler_name": "dpmpp_2m_sde_gpu",
    "scheduler_name": "karras",
    "vae_name": "Default (model)",
    "overwrite_step": -1,
    "overwrite_switch": -1,
    "overwrite_width": -1,
    "overwrite_height": -1,
    "overwrite_vary_strength": -1.0,
    "overwrite_upscale_strength": -1.0,
    "mixing_image_prompt_and_vary_upscale": False,
    "mixing_image_prompt_and_inpaint": False,
    "debugging_cn_preprocessor": False,
    "skipping_cn_preprocessor": False,
    "canny_low_threshold": 64,
    "canny_high_threshold": 128,
    "refiner_swap_method": "joint",
    "controlnet_softness": 0.25,
    "freeu_enabled": False,
    "freeu_b1": 1.01,
    "freeu_b2": 1.02,
    "freeu_s1": 0.99,
    "freeu_s2": 0.95,
    "controlnet_image": [NO_CONTROL] * 4,
    "enhance_input_image": "",
    "enhance_checkbox": False,
    "enhance_uov_method": "Disabled",
    "enhance_uov_processing_order": "Before First Enhancement",
    "enhance_uov_prompt_type": "Original Prompts",
    "debugging_dino": False,
    "dino_erode_or_dilate": 0,
    "debugging_enhance_masks_checkbox": False,
    "save_final_enhanced_image_only": False,
    "save_metadata_to_images": True,
    "metadata_scheme": "fooocus",
    "generate_image_grid": False,
    "save_name": None,
    "preset": "initial",
    "stream_output": False,
    "async_process": False,
    "require_base64": False,
    "webhook_url": "",
}

WITHIN: dict[str, tuple[float, float]] = {
    "image_number": (1, 32),
    "sharpness": (0, 30),
    "guidance_scale": (1, 30),
    "refiner_switch": (0.1, 1),
    "upscale_multiple": (1, 5),
    "inpaint_strength": (0, 1),
    "inpaint_respective_field": (0, 1),
    "inpaint_erode_or_dilate": (-64, 64),
    "adm_scaler_positive": (0, 3),
    "adm_scaler_negative": (0, 3),
    "adm_scaler_end": (0, 1),
    "adaptive_cfg": (1, 30),
    "clip_skip": (1, 12),
    "overwrite_vary_strength": (-1, 1),
    "overwrite_upscale_strength": (-1, 1),
    "canny_low_threshold": (1, 255),
    "canny_high_threshold": (1, 255),
    "controlnet_softness": (0, 1),
    "dino_erode_or_dilate": (-64, 64),
}

ONE_OF: dict[str, tuple[str, ...]] = {
    "performance_selection": ("Quality", "Speed", "Extreme Speed", "Lightning", "Hyper-SD"),
    "output_format": ("png", "jpeg", "webp", "jpg"),
    "metadata_scheme": ("fooocus", "a1111"),
    "enhance_uov_processing_order": ("Before First Enhancement", "After Last Enhancement"),
    "enhance_uov_prompt_type": ("Original Prompts", "Last Filled Enhancement Prompts"),
    "inpaint_engine": ("None", "v1", "v2.5", "v2.6"),
    **dict.fromkeys(
        ("uov_method", "enhance_uov_method"),
        ("Disabled", "Vary (Subtle)", "Vary (Strong)", "Upscale (1.5x)", "Upscale (2x)", "Upscale (Fast 2x)",
         "Upscale (Custom)"),
    ),
}  # fmt: skip


def row(name: str) -> str:
    return f"4/{'freeu' if name.startswith('freeu') else name}"


def each(table: dict[str, Any]) -> list[ParameterSet]:
    return [pytest.param(name, table[name], marks=pytest.mark.contract(row(name)), id=name) for name in table]


@pytest.fixture(scope="module")
def understood(server: Running) -> dict[str, Any]:
    """An empty request as its record shows it."""
    record = server.client.post(GENERATE, json={}).json()
    assert record["task_status"] == "finished"
    told: dict[str, Any] = record["req_params"]
    return told


@pytest.mark.parametrize(("name", "value"), each(DEFAULTS))
def test_a_field_that_is_not_sent_is_shown_with_fooocusapis_default(
    understood: dict[str, Any], name: str, value: Any
) -> None:
    assert understood[name] == value


@pytest.mark.contract("4/empty-request")
def test_an_empty_request_makes_one_picture_from_no_words(server: Running) -> None:
    record = server.client.post(GENERATE, json={}).json()
    assert (len(record["result"]), record["effective_params"]["task"]) == (1, "text_to_image")
    assert record["effective_params"]["prompt"] == ""


@pytest.mark.contract("4/loras")
def test_a_lora_names_itself_and_is_weighed_by_half(server: Running, understood: dict[str, Any]) -> None:
    offset, *none = understood["loras"]
    assert offset == {"enabled": True, "model_name": "sd_xl_offset_example-lora_1.0.safetensors", "weight": 0.1}
    assert none == [{"enabled": True, "model_name": "None", "weight": 1.0}] * 4
    record = server.made(loras=[{"enabled": False, "model_name": "None"}])
    assert record["req_params"]["loras"] == [{"enabled": False, "model_name": "None", "weight": 0.5}]
    for lora in ({"model_name": "None"}, {"enabled": True}, {"enabled": True, "model_name": "None", "weight": 2.1}):
        answer = server.generate(loras=[lora])
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"][:3] == ["body", "loras", 0]


@pytest.mark.parametrize(("name", "bounds"), each(WITHIN))
def test_beyond_its_range_a_field_is_422_by_its_name(server: Running, name: str, bounds: tuple[float, float]) -> None:
    little = 1 if isinstance(DEFAULTS[name], int) else 0.01
    refused(server, name, bounds[0] - little)
    refused(server, name, bounds[1] + little)


@pytest.mark.parametrize("end", [0, 1])
def test_at_both_ends_of_its_range_every_field_is_taken(server: Running, end: int) -> None:
    fields = {name: bounds[end] for name, bounds in WITHIN.items()} | {"image_number": 1}
    shown = server.made(**fields)["req_params"]
    assert {name: shown[name] for name in fields} == fields


@pytest.mark.parametrize(("name", "values"), each(ONE_OF))
def test_a_field_of_few_values_takes_those_alone(server: Running, name: str, values: tuple[str, ...]) -> None:
    for value in values:
        assert server.made(**{name: value})["req_params"][name] == value
    for wrong in (values[0].swapcase(), values[0] + " ", "", 1):
        refused(server, name, wrong)


@pytest.mark.parametrize(
    ("name", "kind"),
    each({name: type(value) for name, value in DEFAULTS.items() if isinstance(value, str | bool)}),
)
def test_a_text_is_no_number_and_a_boolean_no_other_word(server: Running, name: str, kind: type) -> None:
    refused(server, name, 5 if kind is str else "perhaps")


def test_booleans_may_be_spelled_out(server: Running) -> None:
    elsewhere = {"black_out_nsfw", "stream_output", "async_process", "inpaint_advanced_masking_checkbox"}
    fields = {name for name, value in DEFAULTS.items() if isinstance(value, bool)} - elsewhere
    shown = server.made(**dict.fromkeys(fields, "true"))["req_params"]
    assert {name for name in fields if shown[name] is not True} == set()


def refused(server: Running, name: str, value: Any) -> None:
    answer = server.generate(**{name: value})
    assert answer.status_code == 422, (value, answer.text)
    assert answer.json()["detail"][0]["loc"][:2] == ["body", name]


@pytest.mark.contract("4/no-image-values")
@pytest.mark.parametrize("nothing", ["", "None", "none", "null", "string", None, " None "])
def test_many_words_mean_no_picture(server: Running, ask: Ask, nothing: str | None) -> None:
    fields = ("uov_input_image", "inpaint_input_image", "inpaint_mask_image_upload", "enhance_input_image")
    look = ask(**dict.fromkeys(fields, nothing), controlnet_image=[{"cn_img": nothing}], uov_method="Disabled")
    assert look.used["task"] == "text_to_image"
    assert look.same_as(ask())
    assert look.record["req_params"]["uov_input_image"] == ""


@pytest.mark.contract("4/disable_intermediate_results")
def test_there_are_no_intermediate_results_to_disable_and_the_field_is_known(ask: Ask) -> None:
    look = ask(disable_intermediate_results=True)
    assert look.same_as(ask())
    assert look.record["req_params"]["disable_intermediate_results"] is True
    assert "disable_intermediate_results" not in look.warnings


@pytest.mark.contract("4/input_image_checkbox")
def test_the_input_image_checkbox_is_ignored_and_shown_as_true(ask: Ask) -> None:
    look = ask(input_image_checkbox=False)
    assert look.same_as(ask())
    assert look.record["req_params"]["input_image_checkbox"] is True
    assert "input_image_checkbox" not in look.warnings


@pytest.mark.contract("4/current_tab")
def test_the_tab_stays_as_sent_where_no_picture_is_given(ask: Ask) -> None:
    look = ask(current_tab="inpaint")
    assert look.same_as(ask())
    assert look.record["req_params"]["current_tab"] == "inpaint"
    assert "current_tab" not in look.warnings
