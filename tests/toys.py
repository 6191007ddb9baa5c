"""Toy checkpoints: real classes with random weights, small enough to paint 64 × 64 pixels in a fraction of a second."""

import json
from pathlib import Path
from typing import Any

SIDE = 64
"""The toys' native side, pixels."""


def stable_diffusion(
    folder: Path,
    *,
    unet_channels: int = 4,
    latent_channels: int = 4,
    seed: int = 0,
    layers: int = 3,
    predicts: str = "epsilon",
) -> Path:
    """Write a Stable Diffusion checkpoint in diffusers' folder format to `folder` and return it.

    unet_channels: as many as the latents (text to image), or twice that and 1 (inpainting). layers: of the text
    encoder. Sides it paints: multiples of 16.
    """
    import diffusers
    import torch
    from transformers import CLIPTextModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        unet = diffusers.UNet2DConditionModel(
            sample_size=SIDE // 8,
            in_channels=unet_channels,
            out_channels=latent_channels,
            block_out_channels=(8, 16),
            layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=4,
            norm_num_groups=4,
        )
        vae = autoencoder(latent_channels)
        text_encoder = CLIPTextModel(clip_config(layers=layers))
    plain = unet_channels == latent_channels
    kind = diffusers.StableDiffusionPipeline if plain else diffusers.StableDiffusionInpaintPipeline
    kind(
        vae=vae,
        unet=unet,
        text_encoder=text_encoder,
        tokenizer=tokenizer(folder / "tokenizer"),
        scheduler=_noise(predicts),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def sdxl(folder: Path, *, unet_channels: int = 4, seed: int = 0) -> Path:
    """Write an SDXL checkpoint in diffusers' folder format to `folder` and return it; for multiples of 16, too."""
    import diffusers
    import torch
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        unet = diffusers.UNet2DConditionModel(
            sample_size=SIDE // 8,
            in_channels=unet_channels,
            out_channels=4,
            block_out_channels=(8, 16),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2),
            cross_attention_dim=16 + 24,
            attention_head_dim=(2, 4),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 20,
            norm_num_groups=4,
        )
        with_vae = autoencoder(latent_channels=4)
        text_encoder = CLIPTextModel(clip_config())
        text_encoder_2 = CLIPTextModelWithProjection(clip_config(width=24, projection=20))
    kind = diffusers.StableDiffusionXLInpaintPipeline if unet_channels == 9 else diffusers.StableDiffusionXLPipeline
    kind(
        vae=with_vae,
        unet=unet,
        text_encoder=text_encoder,
        text_encoder_2=text_encoder_2,
        tokenizer=tokenizer(folder / "tokenizer"),
        tokenizer_2=tokenizer(folder / "tokenizer_2"),
        scheduler=_noise("epsilon"),
        add_watermarker=False,
    ).save_pretrained(folder)
    return folder


def playground(folder: Path) -> Path:
    """Write a checkpoint as Playground v2.5 is, SDXL's models with noise of any strength, to `folder` and return it."""
    import diffusers

    sdxl(folder)
    diffusers.EDMDPMSolverMultistepScheduler(sigma_max=60.0).save_pretrained(folder / "scheduler")
    evened: dict[str, Any] = {"scaling_factor": 0.5, "latents_mean": [-1.6574, 1.886, -1.383, 2.5155]}
    evened |= {"latents_std": [8.4927, 5.9022, 6.5498, 5.2299]}
    index = {"scheduler": ["diffusers", "EDMDPMSolverMultistepScheduler"]}
    for file, told in ((folder / "vae" / "config.json", evened), (folder / "model_index.json", index)):
        config = json.loads(file.read_text(encoding="utf-8")) | told
        file.write_text(json.dumps(config), encoding="utf-8")
    return folder


def clip_config(*, width: int = 16, layers: int = 3, projection: int = 16):
    """A small text encoder's configuration, for the toys' tokenizer."""
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=514,
        hidden_size=width,
        intermediate_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        max_position_embeddings=77,
        projection_dim=projection,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )


def _noise(predicts: str):
    import diffusers

    return diffusers.DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type=predicts,
    )


def vae(path: Path, *, seed: int = 1, latent_channels: int = 4) -> Path:
    """Write a VAE to `path`, a `.safetensors` file or else a folder in diffusers' format, and return it."""
    import torch
    from safetensors.torch import save_file

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = autoencoder(latent_channels)
    if path.suffix == ".safetensors":
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(made.state_dict(), path)
    else:
        made.save_pretrained(path)
    return path


def autoencoder(latent_channels: int, **more: Any):
    """An AutoencoderKL of factor 8; more: of its config."""
    import diffusers

    return diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=SIDE,
        latent_channels=latent_channels,
        **more,
    )


def tokenizer(folder: Path):
    """CLIP's own tokenizer class with a vocabulary of single bytes."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    letters = byte_letters()
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=77)


def byte_letters() -> list[str]:
    """The 256 letters by which byte-level BPE writes bytes (printable ones as they are, the others from U+0100 on)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [chr(256 + i) for i in range(256 - len(plain))]
    return [chr(i) for i in plain] + moved
