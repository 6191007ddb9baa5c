"""Toy checkpoints as one file each, with the names that tensors have there (the way back from diffusers' names)."""

import re
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from pipelines.unet_names import single_file_name

LAYERS = 1
"""Of each of the toys' blocks."""


def pack(folder: Path, file: Path, *, more: dict[str, Any] | None = None) -> Path:
    """Write the diffusers folder `folder` as the single file `file`, and beside it `x.parts` with its settings.

    more: further tensors. `x.parts` holds no weights.
    """
    unet = dict(_tensors(folder / "unet"))
    state = {f"model.diffusion_model.{unet_name(name, set(unet))}": value for name, value in unet.items()}
    for name, value in _tensors(folder / "vae"):
        attends = "attentions.0.to_" in name and name.endswith("weight")
        state[f"first_stage_model.{vae_name(name)}"] = value[..., None, None].contiguous() if attends else value
    first = "conditioner.embedders.0" if (folder / "text_encoder_2").is_dir() else "cond_stage_model"
    for name, value in _tensors(folder / "text_encoder"):
        state[f"{first}.transformer.text_model.{name}"] = value
    if (folder / "text_encoder_2").is_dir():
        words = dict(_tensors(folder / "text_encoder_2"))
        state |= {f"conditioner.embedders.1.model.{name}": value for name, value in open_clip(words).items()}
    write(state | (more or {}), file)
    settings(folder, file.with_suffix(".parts"))
    return file


def write(state: dict[str, Any], file: Path) -> None:
    """As safetensors, or as a pickle in torch's form."""
    import torch

    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save({"state_dict": state, "global_step": 7}, file)


def settings(folder: Path, parts: Path) -> None:
    """Everything of a diffusers folder but its weights."""
    shutil.copytree(folder, parts, ignore=shutil.ignore_patterns("*.safetensors", "model_index.json"))


def _tensors(folder: Path) -> list[tuple[str, Any]]:
    return [item for file in folder.glob("*.safetensors") for item in load_file(file).items()]


def unet_name(name: str, every: set[str]) -> str:
    """every: the names of all tensors, for the place of some depends on which others there are."""
    attending = {int(found[1]) for other in every if (found := re.match(r"up_blocks\.(\d+)\.attentions\.", other))}
    return single_file_name(name, layers=LAYERS, attending_up=attending)


def vae_name(name: str) -> str:
    for there, here in (
        ("mid_block.resnets.0", "mid.block_1"),
        ("mid_block.resnets.1", "mid.block_2"),
        ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"),
        ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"),
        ("mid_block.attentions.0.to_", "mid.attn_1."),
        ("conv_norm_out", "norm_out"),
        ("conv_shortcut", "nin_shortcut"),
        (".downsamplers.0.", ".downsample."),
        (".upsamplers.0.", ".upsample."),
        (".resnets.", ".block."),
    ):
        name = name.replace(there, here)
    name = re.sub(r"down_blocks\.(\d+)", r"down.\1", name)
    return re.sub(r"up_blocks\.(\d+)", lambda found: f"up.{3 - int(found[1])}", name)


def open_clip(state: dict[str, Any]) -> dict[str, Any]:
    """A text encoder with projection under OpenCLIP's names, where queries, keys and values are one tensor."""
    import torch

    made: dict[str, Any] = {}
    for name, value in state.items():
        name = name.removeprefix("text_model.")
        if ".q_proj." in name:
            three = [state["text_model." + name.replace("q_proj", which)] for which in ("q_proj", "k_proj", "v_proj")]
            made[_resblock(name).replace("attn.q_proj.", "attn.in_proj_")] = torch.cat(three)
        elif name == "text_projection.weight":
            made["text_projection"] = value.T.contiguous()
        elif ".k_proj." not in name and ".v_proj." not in name:
            made[_resblock(name)] = value
    return made


def _resblock(name: str) -> str:
    for there, here in (
        ("embeddings.position_embedding.weight", "positional_embedding"),
        ("embeddings.token_embedding", "token_embedding"),
        ("final_layer_norm", "ln_final"),
        ("encoder.layers", "transformer.resblocks"),
        ("layer_norm", "ln_"),
        ("mlp.fc1", "mlp.c_fc"),
        ("mlp.fc2", "mlp.c_proj"),
        ("self_attn", "attn"),
    ):
        name = name.replace(there, here)
    return name
