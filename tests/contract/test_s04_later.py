"""Section 4: fields whose feature is not there yet. 501 names the field that would change the picture; nothing else is
refused for them."""

from typing import Any

import pytest
from _pytest.mark import ParameterSet
from PIL import Image

from tests.contract.looks import Ask
from tests.server.running import Running, as_text

DOT = as_text(Image.new("RGB", (8, 8), "red"))
CONTROL = {"controlnet_image": [{"cn_img": DOT}]}
ENHANCE = {"enhance_checkbox": True, "enhance_uov_method": "Upscale (2x)"}
REFINER = {"refiner_model_name": "other.safetensors"}

CONTROLS = {
    "enhance_enabled": True,
    "enhance_mask_dino_prompt": "face",
    "enhance_prompt": "a smile",
    "enhance_negative_prompt": "teeth",
    "enhance_mask_model": "u2net",
    "enhance_mask_cloth_category": "upper",
    "enhance_mask_sam_model": "vit_l",
    "enhance_mask_text_threshold": 0.5,
    "enhance_mask_box_threshold": 0.5,
    "enhance_mask_sam_max_detections": 2,
    "enhance_inpaint_disable_initial_latent": True,
    "enhance_inpaint_engine": "v2.5",
    "enhance_inpaint_strength": 0.5,
    "enhance_inpaint_respective_field": 0.5,
    "enhance_inpaint_erode_or_dilate": 3,
    "enhance_mask_invert": True,
}
USUAL_CONTROLS = {
    "enhance_enabled": False,
    "enhance_mask_dino_prompt": "",
    "enhance_prompt": "",
    "enhance_negative_prompt": "",
    "enhance_mask_model": "sam",
    "enhance_mask_cloth_category": "full",
    "enhance_mask_sam_model": "vit_b",
    "enhance_mask_text_threshold": 0.25,
    "enhance_mask_box_threshold": 0.3,
    "enhance_mask_sam_max_detections": 0,
    "enhance_inpaint_disable_initial_latent": False,
    "enhance_inpaint_engine": "v2.6",
    "enhance_inpaint_strength": 1.0,
    "enhance_inpaint_respective_field": 0.618,
    "enhance_inpaint_erode_or_dilate": 0,
    "enhance_mask_invert": False,
}


def case(name: str, *told: Any, rows: tuple[str, ...] = ()) -> ParameterSet:
    return pytest.param(*told, marks=pytest.mark.contract(f"4/{name}", *rows), id=name)


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        case("refiner_model_name", REFINER, "refiner_model_name"),
        case("refiner_switch", REFINER | {"refiner_switch": 0.8}, "refiner_model_name"),
        case("refiner_swap_method", REFINER | {"refiner_swap_method": "vae"}, "refiner_model_name"),
        case("overwrite_switch", REFINER | {"overwrite_switch": 10}, "refiner_model_name"),
        case("controlnet_image", CONTROL, "controlnet_image", rows=("5/control-images",)),
        case("controlnet_image", {"controlnet_image": [{}, {"cn_img": DOT}]}, "controlnet_image"),
        case("canny_low_threshold", CONTROL | {"canny_low_threshold": 9}, "controlnet_image"),
        case("canny_high_threshold", CONTROL | {"canny_high_threshold": 9}, "controlnet_image"),
        case("controlnet_softness", CONTROL | {"controlnet_softness": 1}, "controlnet_image"),
        case("debugging_cn_preprocessor", CONTROL | {"debugging_cn_preprocessor": True}, "controlnet_image"),
        case("skipping_cn_preprocessor", CONTROL | {"skipping_cn_preprocessor": True}, "controlnet_image"),
        case("enhance_input_image", {"enhance_input_image": DOT}, "enhance_input_image", rows=("5/enhance",)),
        case("enhance_checkbox", ENHANCE, "enhance_checkbox", rows=("5/enhance", "7/enhance-passes")),
        case("enhance_uov_method", ENHANCE, "enhance_checkbox"),
        case("enhance_uov_processing_order",
             ENHANCE | {"enhance_uov_processing_order": "After Last Enhancement"}, "enhance_checkbox"),
        case("enhance_uov_prompt_type",
             ENHANCE | {"enhance_uov_prompt_type": "Last Filled Enhancement Prompts"}, "enhance_checkbox"),
        case("enhance_ctrls", {"enhance_checkbox": True, "enhance_ctrls": [CONTROLS]}, "enhance_checkbox"),
        case("debugging_dino", ENHANCE | {"debugging_dino": True}, "enhance_checkbox"),
        case("dino_erode_or_dilate", ENHANCE | {"dino_erode_or_dilate": 9}, "enhance_checkbox"),
        case("debugging_enhance_masks_checkbox",
             ENHANCE | {"debugging_enhance_masks_checkbox": True}, "enhance_checkbox"),
        case("save_final_enhanced_image_only",
             ENHANCE | {"save_final_enhanced_image_only": True}, "enhance_checkbox"),
    ],
)  # fmt: skip
def test_what_would_change_the_picture_is_501_by_its_field(
    server: Running, fields: dict[str, Any], blamed: str
) -> None:
    answer = server.generate(**fields)
    assert answer.status_code == 501, answer.text
    assert answer.json()["field"] == blamed


@pytest.mark.parametrize(
    "fields",
    [
        case("refiner_model_name", {"refiner_model_name": "None"}),
        case("refiner_model_name", {"refiner_model_name": ""}),
        case("refiner_model_name", {"refiner_model_name": "gesso-starter", "base_model_name": "gesso-starter"}),
        case("refiner_switch", {"refiner_switch": 0.8}),
        case("refiner_swap_method", {"refiner_swap_method": "separate"}),
        case("overwrite_switch", {"overwrite_switch": 12}),
        case("controlnet_image", {"controlnet_image": []}),
        case("controlnet_image", {"controlnet_image": [{"cn_type": "CPDS", "cn_weight": 2, "cn_stop": 1}]}),
        case("controlnet_image", {"controlnet_image": [{"cn_img": DOT, "cn_weight": 0}]}),
        case("controlnet_image", {"controlnet_image": [{"cn_img": DOT, "cn_stop": 0}]}),
        case("mixing_image_prompt_and_vary_upscale", {"mixing_image_prompt_and_vary_upscale": True}),
        case("mixing_image_prompt_and_inpaint", {"mixing_image_prompt_and_inpaint": True}),
        case("debugging_cn_preprocessor", {"debugging_cn_preprocessor": True}),
        case("skipping_cn_preprocessor", {"skipping_cn_preprocessor": True}),
        case("canny_low_threshold", {"canny_low_threshold": 1}),
        case("canny_high_threshold", {"canny_high_threshold": 255}),
        case("controlnet_softness", {"controlnet_softness": 1}),
        case("debugging_inpaint_preprocessor", {"debugging_inpaint_preprocessor": True}),
        case("enhance_checkbox", {"enhance_checkbox": True}),
        case("enhance_uov_method", {"enhance_uov_method": "Upscale (2x)"}),
        case("enhance_uov_processing_order", {"enhance_uov_processing_order": "After Last Enhancement"}),
        case("enhance_uov_prompt_type", {"enhance_uov_prompt_type": "Last Filled Enhancement Prompts"}),
        case("enhance_ctrls", {"enhance_ctrls": [CONTROLS]}),
        case("enhance_ctrls", {"enhance_checkbox": True, "enhance_ctrls": [CONTROLS | {"enhance_enabled": False}]}),
        case("debugging_dino", {"debugging_dino": True}),
        case("dino_erode_or_dilate", {"dino_erode_or_dilate": 9}),
        case("debugging_enhance_masks_checkbox", {"debugging_enhance_masks_checkbox": True}),
        case("save_final_enhanced_image_only", {"save_final_enhanced_image_only": True}),
    ],
)
def test_what_would_change_nothing_is_taken_and_changes_nothing(ask: Ask, fields: dict[str, Any]) -> None:
    look = ask(**fields)
    assert look.same_as(ask())
    assert "not a known field" not in look.warnings
    shown = look.record["req_params"]
    assert all(shown[name] == value for name, value in fields.items() if not isinstance(value, list))


@pytest.mark.parametrize(
    "kind",
    [
        case("controlnet_image", "ImagePrompt", rows=("7/image-prompt",)),
        case("controlnet_image", "FaceSwap", rows=("7/face-swap",)),
        case("controlnet_image", "PyraCanny", rows=("7/pyra-canny",)),
        case("controlnet_image", "CPDS", rows=("7/cpds",)),
    ],
)
def test_every_kind_of_control_image_is_known_and_501(server: Running, kind: str) -> None:
    answer = server.generate(controlnet_image=[{"cn_img": DOT, "cn_type": kind}])
    assert (answer.status_code, answer.json()["field"]) == (501, "controlnet_image")


@pytest.mark.parametrize(
    ("flag", "more"),
    [
        case("mixing_image_prompt_and_vary_upscale", "mixing_image_prompt_and_vary_upscale",
             {"uov_input_image": DOT, "uov_method": "Vary (Subtle)"}),
        case("mixing_image_prompt_and_inpaint", "mixing_image_prompt_and_inpaint",
             {"inpaint_input_image": DOT, "outpaint_selections": ["Left"]}),
    ],
)  # fmt: skip
def test_mixing_with_a_control_image_is_501_and_without_one_it_is_the_edit_alone(
    server: Running, ask: Ask, flag: str, more: dict[str, Any]
) -> None:
    assert server.generate(**more, **CONTROL, **{flag: True}).status_code == 501
    assert ask(**more, **{flag: True}).same_as(ask(**more))


@pytest.mark.contract("4/controlnet_image")
@pytest.mark.parametrize(
    ("name", "value"),
    [("cn_stop", 1.1), ("cn_stop", -0.1), ("cn_weight", 2.1), ("cn_weight", -1), ("cn_type", "Canny")],
)
def test_a_control_image_keeps_to_its_ranges(server: Running, name: str, value: Any) -> None:
    answer = server.generate(controlnet_image=[{name: value}])
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "controlnet_image", 0, name]


@pytest.mark.contract("4/enhance_ctrls-fields")
@pytest.mark.parametrize(("name", "value"), CONTROLS.items())
def test_a_field_of_enhance_ctrls_is_known_by_its_name_and_default(
    server: Running, ask: Ask, name: str, value: Any
) -> None:
    first, second, third = ask(enhance_ctrls=[{name: value}]).record["req_params"]["enhance_ctrls"]
    assert first == USUAL_CONTROLS | {name: value}
    assert second == third == USUAL_CONTROLS
    answer = server.generate(enhance_ctrls=[{name: 99 if isinstance(value, int | float) else 5}])
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == name


@pytest.mark.contract("4/enhance_ctrls")
def test_a_fourth_entry_of_enhance_ctrls_leaves_everything_else_alone(ask: Ask) -> None:
    look = ask(enhance_ctrls=[{}, {}, {}, {"enhance_prompt": "four"}])
    assert look.same_as(ask())
    assert look.record["req_params"]["outpaint_distance"] == [0, 0, 0, 0]
    assert look.record["req_params"]["enhance_ctrls"] == [USUAL_CONTROLS] * 3
