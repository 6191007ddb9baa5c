"""What is written into a picture: the facts of how it was made, and the request that makes it again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.settings import Settings
from pipelines import checkpoints, companions, planning, presets, prompting
from pipelines.plans import NO_FREEU, Lora, Plan, Shot
from server import metadata
from server.api.fooocus.request import GenerateRequest
from server.embedded import Texts
from server.hashes import Hashes
from server.metadata import Facts, LoraFact

FORM = 1
"""Of the own text; a reader that knows another one shall not guess."""

LEFT_OUT = {
    "async_process",
    "cancel_on_disconnect",
    "deterministic",
    "disable_intermediate_results",
    "disable_preview",
    "generate_image_grid",
    "inpaint_input_image",
    "inpaint_mask_image_upload",
    "enhance_input_image",
    "overwrite_width",
    "overwrite_height",
    "require_base64",
    "save_metadata_to_images",
    "save_name",
    "stream_output",
    "uov_input_image",
    "webhook_url",
}
"""Fields that change no pixel, that are written otherwise, or that are nobody else's business."""

OWN_VAE = "Default (model)"
HIGHEST_ADAPTIVE_CFG = 30.0


@dataclass(frozen=True, kw_only=True)
class Label:
    """Called with a picture's index in the plan, or None for the grid of all. Blocks: it may hash a checkpoint."""

    asked: GenerateRequest
    pictures: Mapping[str, Path]
    plan: Plan
    settings: Settings
    hashes: Hashes

    def __call__(self, index: int | None) -> Texts:
        scheme = self.asked.metadata_scheme
        facts = self._facts(self.plan.shots[index or 0], index or 0)
        return Texts(parameters=metadata.schemes()[scheme].write(facts), scheme=scheme, own=self._own(index))

    def checkpoint_digest(self) -> str:
        """The checkpoint's digest, worked out now so that no picture has to wait for it."""
        place = checkpoints.installed(self.settings).get(self.plan.recipe.checkpoint)
        return self.hashes.of(place) if place else ""

    def _own(self, index: int | None) -> str:
        """The request, complete, for this picture alone; its input pictures by the sha256 of what is in `inputs/`."""
        shot = self.plan.shots[index or 0]
        request = complete(self.asked, self.plan, self.settings) | {
            "image_seed": shot.seed,
            "image_number": len(self.plan.shots) if index is None else 1,
            "image_index": self.asked.image_index + (index or 0),
            "generate_image_grid": index is None,
        }
        inputs = {field: path.stem for field, path in self.pictures.items()}
        own = {"gesso": FORM, "request": request, "inputs": inputs, "made_alone": self.asked.deterministic}
        return json.dumps(own, sort_keys=True, ensure_ascii=False)

    def _facts(self, shot: Shot, index: int) -> Facts:
        recipe = self.plan.recipe
        prompt, negative = self._words(shot, index)
        return Facts(
            prompt=prompt,
            negative_prompt=negative,
            full_prompt=tuple(shot.prompt.split("\n")),
            full_negative_prompt=tuple(shot.negative_prompt.split("\n")),
            expansion=shot.expansion,
            styles=recipe.styles,
            performance=self.plan.performance,
            steps=recipe.steps,
            sharpness=recipe.sharpness,
            guidance_scale=recipe.guidance_scale,
            adaptive_cfg=min(recipe.adaptive_cfg, HIGHEST_ADAPTIVE_CFG),
            adm=(self.asked.adm_scaler_positive, self.asked.adm_scaler_negative, self.asked.adm_scaler_end),
            loras=tuple(self._lora(lora) for lora in shot.loras) or None,
            freeu=None if recipe.freeu == NO_FREEU else recipe.freeu,
            checkpoint=recipe.checkpoint,
            checkpoint_digest=self.checkpoint_digest() or None,
            refiner="None",
            refiner_switch=self.asked.refiner_switch,
            vae=recipe.vae or OWN_VAE,
            clip_skip=recipe.clip_skip,
            seed=shot.seed,
            width=shot.width,
            height=shot.height,
            sampler=recipe.sampler,
            scheduler=recipe.scheduler,
        )

    def _lora(self, lora: Lora) -> LoraFact:
        place = companions.installed("loras", self.settings).get(lora.name)
        return LoraFact(name=lora.name, weight=lora.weight, digest=self.hashes.of(place) if place else "")

    def _words(self, shot: Shot, index: int) -> tuple[str, str]:
        """The prompts as they were asked for, with the words that stood for wildcards and arrays in this picture."""
        words, negative = _asked_words(self.asked, self.plan, self.settings)
        if self.asked.inpaint_additional_prompt and "inpaint_input_image" in self.pictures:
            words = "\n".join(filter(None, (self.asked.inpaint_additional_prompt, words)))
        wording = prompting.compose(
            words,
            negative,
            (),
            index=self.asked.image_index + index,
            seed=shot.seed,
            wildcards_in_order=self.asked.read_wildcards_in_order,
            user_folder=planning.user_folder(self.settings),
        )
        return "\n".join(wording.positive), "\n".join(wording.negative)


def complete(asked: GenerateRequest, plan: Plan, settings: Settings) -> dict[str, Any]:
    """The request with the values that its preset filled in, so that it means the same when the preset has changed.

    Without pictures, seed and number.
    """
    fields = asked.model_fields_set & set(type(asked).model_fields) - LEFT_OUT
    told = asked.model_dump(mode="json", include=fields, exclude={"controlnet_image": {"__all__": {"cn_img"}}})
    prompt, negative = _asked_words(asked, plan, settings)
    recipe = plan.recipe
    told |= {
        "prompt": prompt,
        "negative_prompt": negative,
        "preset": plan.preset,
        "performance_selection": plan.performance,
        "base_model_name": recipe.checkpoint,
        "style_selections": list(recipe.styles),
        "overwrite_step": recipe.asked_steps or recipe.steps,
        "guidance_scale": recipe.guidance_scale,
        "sampler_name": recipe.sampler,
        "scheduler_name": recipe.scheduler,
        "clip_skip": recipe.clip_skip,
        "sharpness": recipe.sharpness,
        "adaptive_cfg": min(recipe.adaptive_cfg, HIGHEST_ADAPTIVE_CFG),
        "vae_name": recipe.vae or OWN_VAE,
        "freeu_enabled": recipe.freeu != NO_FREEU,
        "loras": [{"enabled": True, "model_name": lora.name, "weight": lora.weight} for lora in recipe.loras],
        "deterministic": True,
    }
    if plan.kind == "text_to_image":
        told["aspect_ratios_selection"] = f"{plan.shots[0].width}*{plan.shots[0].height}"
    if recipe.freeu != NO_FREEU:
        told |= dict(zip(("freeu_b1", "freeu_b2", "freeu_s1", "freeu_s2"), recipe.freeu, strict=True))
    if upscaler := plan.effective.get("upscaler"):
        told["upscale_model"] = upscaler
    return told


def _asked_words(asked: GenerateRequest, plan: Plan, settings: Settings) -> tuple[str, str]:
    """Prompt and negative prompt as sent, or else the preset's."""
    preset = presets.load(plan.preset, planning.user_folder(settings))
    instead = "" if asked.inpaint_additional_prompt and plan.kind in ("inpaint", "inpaint_inputs") else preset.prompt
    prompt, negative = asked.sent("prompt"), asked.sent("negative_prompt")
    return instead if prompt is None else prompt, preset.negative_prompt if negative is None else negative
