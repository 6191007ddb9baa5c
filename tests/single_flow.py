"""A toy of Stable Diffusion 3 as one file, with the names that Stability AI's own files have."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from tests.single_files import settings, vae_name

WHOLE = {
    "pos_embed.pos_embed": "pos_embed",
    "pos_embed.proj": "x_embedder.proj",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "proj_out": "final_layer.linear",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
}
BLOCK = {
    "attn.norm_q": "x_block.attn.ln_q",
    "attn.norm_k": "x_block.attn.ln_k",
    "attn.norm_added_q": "context_block.attn.ln_q",
    "attn.norm_added_k": "context_block.attn.ln_k",
    "attn.to_out.0": "x_block.attn.proj",
    "attn.to_add_out": "context_block.attn.proj",
    "norm1.linear": "x_block.adaLN_modulation.1",
    "norm1_context.linear": "context_block.adaLN_modulation.1",
    "ff.net.0.proj": "x_block.mlp.fc1",
    "ff.net.2": "x_block.mlp.fc2",
    "ff_context.net.0.proj": "context_block.mlp.fc1",
    "ff_context.net.2": "context_block.mlp.fc2",
}
TOGETHER = {
    "attn.to_q": ("x_block.attn.qkv", "attn.to_k", "attn.to_v"),
    "attn.add_q_proj": ("context_block.attn.qkv", "attn.add_k_proj", "attn.add_v_proj"),
}
LAST = "transformer_blocks.1."


def pack(folder: Path, file: Path) -> Path:
    """Write the diffusers folder `folder` as the single file `file`, and beside it `x.parts` with its settings."""
    state = {f"model.diffusion_model.{name}": value for name, value in _transformer(folder).items()}
    for name, value in _tensors(folder / "vae").items():
        attends = "attentions.0.to_" in name and name.endswith("weight")
        state[f"first_stage_model.{vae_name(name)}"] = value[..., None, None].contiguous() if attends else value
    for part, begin in (("text_encoder", "clip_l"), ("text_encoder_2", "clip_g"), ("text_encoder_3", "t5xxl")):
        for name, value in _tensors(folder / part).items():
            if (part, name) != ("text_encoder", "text_projection.weight"):  # there it is the identity
                state[f"text_encoders.{begin}.transformer.{name}"] = value
    save_file(state, file)
    settings(folder, file.with_suffix(".parts"))
    return file


def _tensors(folder: Path) -> dict[str, Any]:
    return {name: value for file in folder.glob("*.safetensors") for name, value in load_file(file).items()}


def _transformer(folder: Path) -> dict[str, Any]:
    import torch

    state, made = _tensors(folder / "transformer"), {}
    for name, value in state.items():
        layer, _, kind = name.rpartition(".")
        if name == "pos_embed.pos_embed":
            made["pos_embed"] = value
        elif not layer.startswith("transformer_blocks."):
            made[f"{WHOLE.get(layer, layer)}.{kind}"] = _turned(value) if layer == "norm_out.linear" else value
        else:
            begin, inner = ".".join(layer.split(".")[:2]), ".".join(layer.split(".")[2:])
            here = begin.replace("transformer_blocks", "joint_blocks")
            if inner in TOGETHER:
                there, *others = TOGETHER[inner]
                made[f"{here}.{there}.{kind}"] = torch.cat(
                    [value, *(state[f"{begin}.{other}.{kind}"] for other in others)]
                )
            elif inner in BLOCK:
                turned = name.startswith(LAST) and inner == "norm1_context.linear"
                made[f"{here}.{BLOCK[inner]}.{kind}"] = _turned(value) if turned else value
    return made


def _turned(value: Any) -> Any:
    """Its two halves in the other order."""
    import torch

    return torch.cat(list(reversed(value.chunk(2)))).contiguous()


def video_vae_name(name: str) -> str:
    """A tensor of diffusers' AutoencoderKLQwenImage by its published name; for 2 residual blocks a level."""
    for there, here in (
        ("post_quant_conv.", "conv2."),
        ("quant_conv.", "conv1."),
        ("coder.conv_in.", "coder.conv1."),
        ("norm_out.gamma", "head.0.gamma"),
        ("conv_out.", "head.2."),
        ("mid_block.resnets.0.", "middle.0."),
        ("mid_block.attentions.0.", "middle.1."),
        ("mid_block.resnets.1.", "middle.2."),
        ("down_blocks.", "downsamples."),
        (".conv_shortcut.", ".shortcut."),
    ):
        name = name.replace(there, here)
    for block in range(4):
        for layer in range(3):
            name = name.replace(f"up_blocks.{block}.resnets.{layer}.", f"upsamples.{4 * block + layer}.")
        name = name.replace(f"up_blocks.{block}.upsamplers.0.", f"upsamples.{4 * block + 3}.")
    for there, here in (
        ("norm1.", "residual.0."),
        ("conv1.", "residual.2."),
        ("norm2.", "residual.3."),
        ("conv2.", "residual.6."),
    ):
        if name.startswith(("encoder.", "decoder.")) and not name.startswith(("encoder.conv1.", "decoder.conv1.")):
            name = name.replace(f".{there}", f".{here}")
    return name
