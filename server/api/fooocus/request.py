"""The body of `/v1/engine/generate`: every field of FooocusAPI with its type, range and default."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from configs.settings import LIMITS
from pipelines.plans import USUAL_ADM
from pipelines.targets import Anchor
from pipelines.tasks.inpaint import Side

UovMethod = Literal[
    "Disabled",
    "Vary (Subtle)",
    "Vary (Strong)",
    "Upscale (1.5x)",
    "Upscale (2x)",
    "Upscale (Fast 2x)",
    "Upscale (Custom)",
]
Image = Annotated[str | None, Field(description="base64, a data URL or a http URL", examples=[""])]
Share = Annotated[float, Field(ge=0, le=1)]
Growth = Annotated[int, Field(ge=-64, le=64)]
FreeUFactor = Annotated[float, Field(ge=0, le=4)]
Override = Annotated[float, Field(ge=-1, le=1)]
Length = Annotated[int, Field(ge=-1, le=LIMITS.max_side)]


class Wire(BaseModel):
    """Fields unknown here are taken, and told of in `warnings`."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _refuse_half_characters(cls, data: Any) -> Any:
        """JSON can spell halves of characters ("\\ud800"), which no file and no database can hold."""
        for name, value in data.items() if isinstance(data, dict) else ():
            for text in (name, *(value if isinstance(value, list) else [value])):
                if isinstance(text, str) and not text.isascii() and text.encode(errors="ignore").decode() != text:
                    raise ValueError(f"{name.encode(errors='replace').decode()} holds half a character")
        return data

    def sent(self, field: str) -> Any:
        """The value the client sent, or None: the preset's own is wanted."""
        return getattr(self, field) if field in self.model_fields_set else None


class Lora(Wire):
    enabled: bool
    model_name: str
    weight: Annotated[float, Field(ge=-2, le=2)] = 0.5


class ControlImage(Wire):
    cn_img: Image = None
    cn_stop: Share = 0.6
    cn_weight: Annotated[float, Field(ge=0, le=2)] = 0.6
    cn_type: Literal["ImagePrompt", "FaceSwap", "PyraCanny", "CPDS"] = "ImagePrompt"


class EnhanceControl(Wire):
    enhance_enabled: bool = False
    enhance_mask_dino_prompt: str = ""
    enhance_prompt: str = ""
    enhance_negative_prompt: str = ""
    enhance_mask_model: str = "sam"
    enhance_mask_cloth_category: str = "full"
    enhance_mask_sam_model: str = "vit_b"
    enhance_mask_text_threshold: Share = 0.25
    enhance_mask_box_threshold: Share = 0.3
    enhance_mask_sam_max_detections: Annotated[int, Field(ge=0, le=10)] = 0
    enhance_inpaint_disable_initial_latent: bool = False
    enhance_inpaint_engine: str = "v2.6"
    enhance_inpaint_strength: Share = 1.0
    enhance_inpaint_respective_field: Share = 0.618
    enhance_inpaint_erode_or_dilate: Growth = 0
    enhance_mask_invert: bool = False


OFFSET_LORA = "sd_xl_offset_example-lora_1.0.safetensors"
USUAL_STYLES = ("Fooocus V2", "Fooocus Enhance", "Fooocus Sharp")


def _usual_loras() -> list[Lora]:
    none = Lora(enabled=True, model_name="None", weight=1.0)
    return [Lora(enabled=True, model_name=OFFSET_LORA, weight=0.1), none, none, none, none]


class GenerateRequest(Wire):
    """All optional: `{}` makes one picture from the preset's own values. What is sent wins over the preset."""

    prompt: Annotated[str, Field(description="line 1 is the main prompt, other lines add to it")] = ""
    negative_prompt: str = ""
    style_selections: list[str] = list(USUAL_STYLES)
    performance_selection: Literal["Quality", "Speed", "Extreme Speed", "Lightning", "Hyper-SD"] = "Speed"
    aspect_ratios_selection: Annotated[str, Field(pattern=r"^\s*\d{1,5}\s*[*×xX]\s*\d{1,5}\s*$")] = "1152*896"
    image_number: Annotated[int, Field(ge=1, le=32)] = 1
    output_format: Literal["png", "jpeg", "jpg", "webp"] = "png"
    image_index: Annotated[
        int, Field(ge=0, le=2**31, description="ours: the first picture's number, which [[a, b]] goes by")
    ] = 0
    image_seed: Annotated[int, Field(le=2**63 - 1, description="below 0: drawn at random")] = -1
    read_wildcards_in_order: bool = False
    sharpness: Annotated[float, Field(ge=0, le=30)] = 2.0
    guidance_scale: Annotated[float, Field(ge=1, le=30)] = 4.0
    base_model_name: str = "juggernautXL_v8Rundiffusion.safetensors"
    refiner_model_name: str = "None"
    refiner_switch: Annotated[float, Field(ge=0.1, le=1)] = 0.5
    loras: list[Lora] = Field(default_factory=_usual_loras)
    input_image_checkbox: bool = False
    current_tab: str = "uov"
    uov_method: UovMethod = "Disabled"
    uov_input_image: Image = None
    upscale_multiple: Annotated[float, Field(ge=1, le=5)] = 1.0
    upscale_model: Annotated[str, Field(description="ours: a file in models/upscale_models; else the first")] = ""
    outpaint_selections: list[Side] = []
    outpaint_distance: Annotated[
        list[Annotated[int, Field(le=LIMITS.max_side)]],
        Field(max_length=64, description="pixels left, top, right, bottom; 0 = a third of the side"),
    ] = [0, 0, 0, 0]
    outpaint_target: Annotated[
        str, Field(max_length=30, description='ours: a shape or size to continue to, such as "16:9" or "1920x1080"')
    ] = ""
    outpaint_anchor: Annotated[Anchor, Field(description="ours: where in it the picture lies")] = "center"
    inpaint_input_image: Image = None
    inpaint_mask_image_upload: Image = None
    inpaint_mask_prompt: Annotated[
        str, Field(max_length=1000, description='ours: words that make the mask, such as "red ball . blue cup"')
    ] = ""
    inpaint_additional_prompt: str = ""
    inpaint_disable_initial_latent: bool = False
    inpaint_engine: Literal["None", "v1", "v2.5", "v2.6"] = "v2.6"
    inpaint_strength: Share = 1.0
    inpaint_respective_field: Share = 0.618
    inpaint_advanced_masking_checkbox: bool = False
    invert_mask_checkbox: bool = False
    inpaint_erode_or_dilate: Growth = 0
    seam_repair: Annotated[bool, Field(description="ours: paint a seam that can be seen over once more")] = True
    debugging_inpaint_preprocessor: bool = False
    disable_preview: bool = False
    disable_intermediate_results: bool = False
    disable_seed_increment: bool = False
    black_out_nsfw: bool = False
    adm_scaler_positive: Annotated[float, Field(ge=0, le=3)] = USUAL_ADM[0]
    adm_scaler_negative: Annotated[float, Field(ge=0, le=3)] = USUAL_ADM[1]
    adm_scaler_end: Share = USUAL_ADM[2]
    adaptive_cfg: Annotated[float, Field(ge=1, le=30)] = 7.0
    clip_skip: Annotated[int, Field(ge=1, le=12)] = 2
    sampler_name: str = "dpmpp_2m_sde_gpu"
    scheduler_name: str = "karras"
    vae_name: str = "Default (model)"
    overwrite_step: Annotated[int, Field(le=200)] = -1
    overwrite_switch: int = -1
    overwrite_width: Length = -1
    overwrite_height: Length = -1
    overwrite_vary_strength: Override = -1
    overwrite_upscale_strength: Override = -1
    mixing_image_prompt_and_vary_upscale: bool = False
    mixing_image_prompt_and_inpaint: bool = False
    debugging_cn_preprocessor: bool = False
    skipping_cn_preprocessor: bool = False
    canny_low_threshold: Annotated[int, Field(ge=1, le=255)] = 64
    canny_high_threshold: Annotated[int, Field(ge=1, le=255)] = 128
    refiner_swap_method: str = "joint"
    controlnet_softness: Share = 0.25
    freeu_enabled: bool = False
    freeu_b1: FreeUFactor = 1.01
    freeu_b2: FreeUFactor = 1.02
    freeu_s1: FreeUFactor = 0.99
    freeu_s2: FreeUFactor = 0.95
    controlnet_image: list[ControlImage] = Field(default_factory=lambda: [ControlImage()])
    enhance_input_image: Image = None
    enhance_checkbox: bool = False
    enhance_uov_method: UovMethod = "Disabled"
    enhance_uov_processing_order: Literal["Before First Enhancement", "After Last Enhancement"] = (
        "Before First Enhancement"
    )
    enhance_uov_prompt_type: Literal["Original Prompts", "Last Filled Enhancement Prompts"] = "Original Prompts"
    enhance_ctrls: list[EnhanceControl] = []
    debugging_dino: bool = False
    dino_erode_or_dilate: Growth = 0
    debugging_enhance_masks_checkbox: bool = False
    save_final_enhanced_image_only: bool = False
    save_metadata_to_images: bool = True
    metadata_scheme: Literal["fooocus", "a1111"] = "fooocus"
    generate_image_grid: bool = False
    save_name: Annotated[str | None, Field(max_length=120)] = None
    preset: str = "initial"
    stream_output: bool = False
    async_process: bool = False
    require_base64: bool = False
    webhook_url: str | None = ""
    cancel_on_disconnect: Annotated[
        bool, Field(description="ours: call the task off if the client goes away before the answer")
    ] = False
    deterministic: Annotated[
        bool, Field(description="ours: run alone, so that the same seed gives the same pixels")
    ] = False
