"""Toy checkpoints of flow matching: diffusers' own classes with random weights, a step of which takes milliseconds."""

import json
from pathlib import Path
from typing import Any

from tests.toys import SIDE, autoencoder, byte_letters, clip_config, tokenizer

VISION = (259, 260, 261)
"""The toys' tokens about a picture: where it begins, what stands for it, and where it ends."""

CHANNELS = 16
"""Of the toys' latents; Stable Diffusion 3's own pipelines take no other number."""


def sd3(folder: Path, *, seed: int = 0, third: bool = True) -> Path:
    """Write a Stable Diffusion 3.5 checkpoint in diffusers' folder format to `folder` and return it.

    third: whether it has T5. It paints multiples of 16.
    """
    import diffusers
    import torch
    from transformers import CLIPTextModelWithProjection

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformer = diffusers.SD3Transformer2DModel(
            sample_size=SIDE // 8,
            patch_size=2,
            in_channels=CHANNELS,
            out_channels=CHANNELS,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=40,
            caption_projection_dim=16,
            pooled_projection_dim=24,
            pos_embed_max_size=32,
            qk_norm="rms_norm",
        )
        first = CLIPTextModelWithProjection(clip_config(width=16, projection=16))
        torch.nn.init.eye_(first.text_projection.weight)  # as it is in Stability AI's, whose files leave it out
        diffusers.StableDiffusion3Pipeline(
            transformer=lively(transformer),
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
            vae=vae(),
            text_encoder=first,
            tokenizer=tokenizer(folder / "tokenizer"),
            text_encoder_2=CLIPTextModelWithProjection(clip_config(width=24, projection=8)),
            tokenizer_2=tokenizer(folder / "tokenizer_2"),
            text_encoder_3=t5() if third else None,
            tokenizer_3=t5_tokenizer() if third else None,
        ).save_pretrained(folder)
    return folder


def lively(transformer: Any) -> Any:
    """The same with random numbers where such models begin with zeros, so that all that they are told has an effect."""
    import torch

    with torch.no_grad():
        for name, value in transformer.named_parameters():
            zeros = not value.any() if value.ndim > 1 else "norm" not in name
            if zeros:
                value.normal_(std=0.2)
    return transformer


def vae() -> Any:
    """An autoencoder with a shift and a scale of its own."""
    return autoencoder(CHANNELS, shift_factor=0.06, scaling_factor=1.5, use_quant_conv=False, use_post_quant_conv=False)


def t5() -> Any:
    """An encoder for the toys' T5 tokenizer, 40 wide."""
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(vocab_size=160, d_model=40, d_kv=8, d_ff=16, num_layers=1, num_heads=2))


def t5_tokenizer() -> Any:
    """T5's own tokenizer class with a vocabulary of single letters."""
    from transformers import T5TokenizerFast

    letters = [chr(code) for code in range(33, 127)]
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in letters)]
    return T5TokenizerFast(vocab=vocab, extra_ids=0, model_max_length=512)


def flux(folder: Path, *, seed: int = 0, guided: bool = True, fill: bool = False, shown: bool = False) -> Path:
    """Write a FLUX.1 checkpoint to `folder` and return it, for multiples of 16. guided: dev, else schnell; shown:
    Kontext.
    """
    import diffusers
    import torch
    from transformers import CLIPTextModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformer = diffusers.FluxTransformer2DModel(
            in_channels=4 * (2 * CHANNELS + 64) if fill else 4 * CHANNELS,
            out_channels=4 * CHANNELS,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=40,
            pooled_projection_dim=16,
            guidance_embeds=guided,
            axes_dims_rope=(4, 2, 2),
        )
        kind = diffusers.FluxFillPipeline if fill else diffusers.FluxPipeline
        kind = diffusers.FluxKontextPipeline if shown else kind
        kind(
            transformer=lively(transformer),
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=guided),
            vae=vae(),
            text_encoder=CLIPTextModel(clip_config(width=16)),
            tokenizer=tokenizer(folder / "tokenizer"),
            text_encoder_2=t5(),
            tokenizer_2=t5_tokenizer(),
        ).save_pretrained(folder)
    return folder


def z_image(folder: Path, *, seed: int = 0, turbo: bool = True) -> Path:
    """Write a Z-Image checkpoint to `folder` and return it. It paints multiples of 16."""
    import diffusers
    import torch
    from transformers import Qwen3Config, Qwen3Model

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformer = diffusers.ZImageTransformer2DModel(
            in_channels=CHANNELS,
            dim=16,
            n_layers=1,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=16,
            axes_dims=[4, 2, 2],
            axes_lens=[1024, 32, 32],
        )
        for padding in (transformer.x_pad_token, transformer.cap_pad_token):
            torch.nn.init.normal_(padding)  # else it is whatever lay in memory
        diffusers.ZImagePipeline(
            transformer=lively(transformer),
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0 if turbo else 6.0),
            vae=vae(),
            text_encoder=Qwen3Model(Qwen3Config(**qwen(layers=2))),
            tokenizer=qwen_tokenizer(),
        ).save_pretrained(folder)
    return folder


def qwen_image(folder: Path, *, seed: int = 0, edits: str = "") -> Path:
    """Write a Qwen-Image checkpoint to `folder` and return it, for multiples of 16. edits: "Edit" or "EditPlus"."""
    import diffusers
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformer = diffusers.QwenImageTransformer2DModel(
            in_channels=4 * CHANNELS,
            out_channels=CHANNELS,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(4, 2, 2),
        )
        autoencoder = diffusers.AutoencoderKLQwenImage(
            base_dim=4, z_dim=CHANNELS, dim_mult=[1, 1, 1, 1], num_res_blocks=1
        )
        rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
        sees: dict[str, Any] = {"depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 16}
        sees |= {"out_hidden_size": 16, "fullatt_block_indexes": [0]}
        config = Qwen2_5_VLConfig(
            text_config=qwen(layers=1) | {"rope_scaling": rope},
            vision_config=sees,
            **dict(zip(("vision_start_token_id", "image_token_id", "vision_end_token_id"), VISION, strict=True)),
        )
        getattr(diffusers, f"QwenImage{edits}Pipeline")(
            **({"processor": _qwen_processor()} if edits else {}),
            transformer=lively(transformer),
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift_terminal=0.02),
            vae=autoencoder,
            text_encoder=Qwen2_5_VLForConditionalGeneration(config),
            tokenizer=qwen_tokenizer(),
        ).save_pretrained(folder)
    _native_side(folder)
    return folder


def _qwen_processor() -> Any:
    from transformers import Qwen2VLImageProcessor, Qwen2VLProcessor, Qwen2VLVideoProcessor

    return Qwen2VLProcessor(Qwen2VLImageProcessor(), qwen_tokenizer(), Qwen2VLVideoProcessor())


def flux2(folder: Path, *, seed: int = 0, distilled: bool = False) -> Path:
    """Write a FLUX.2 klein (or, not distilled, klein base) checkpoint to `folder` and return it."""
    import diffusers
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        diffusers.Flux2KleinPipeline(
            transformer=lively(_flux2_transformer(guided=False, width=3 * 16)),
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
            vae=_flux2_vae(),
            text_encoder=Qwen3ForCausalLM(Qwen3Config(**qwen(layers=28))),
            tokenizer=qwen_tokenizer(),
            is_distilled=distilled,
        ).save_pretrained(folder)
    return folder


def flux2_dev(folder: Path, *, seed: int = 0) -> Path:
    """Write a FLUX.2 dev checkpoint to `folder` and return it. It paints multiples of 16."""
    import diffusers
    import torch
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    reads = qwen(layers=31) | {"model_type": "mistral"}
    sees = {"model_type": "pixtral", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    sees |= {"num_attention_heads": 2, "head_dim": 8, "image_size": 28, "patch_size": 14}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        diffusers.Flux2Pipeline(
            transformer=lively(_flux2_transformer(guided=True, width=3 * 16)),
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
            vae=_flux2_vae(),
            text_encoder=Mistral3ForConditionalGeneration(Mistral3Config(text_config=reads, vision_config=sees)),
            tokenizer=_pixtral_processor(),
        ).save_pretrained(folder)
    return folder


def _pixtral_processor() -> Any:
    from transformers import PixtralImageProcessor, PixtralProcessor

    words = qwen_tokenizer()
    words.add_special_tokens({"additional_special_tokens": ["[IMG]", "[IMG_BREAK]", "[IMG_END]"]})
    template = (
        "{% for message in messages %}[{{ message['role'] }}]{% for part in message['content'] %}{{ part['text'] }}"
        "{% endfor %}{% endfor %}"
    )
    return PixtralProcessor(image_processor=PixtralImageProcessor(), tokenizer=words, chat_template=template)


def _flux2_transformer(*, guided: bool, width: int) -> Any:
    import diffusers

    return diffusers.Flux2Transformer2DModel(
        in_channels=4 * CHANNELS,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=width,
        timestep_guidance_channels=16,
        axes_dims_rope=(2, 2, 2, 2),
        guidance_embeds=guided,
    )


def _flux2_vae() -> Any:
    import diffusers

    made = diffusers.AutoencoderKLFlux2(
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=SIDE,
        latent_channels=CHANNELS,
    )
    made.bn.running_mean.normal_(std=0.1)
    made.bn.running_var.uniform_(0.5, 1.5)
    return made


def qwen(*, layers: int) -> dict[str, Any]:
    """The configuration of a small Qwen for the toys' tokenizer."""
    return {
        "vocab_size": 300,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 2048,
    }


def qwen_tokenizer() -> Any:
    """Qwen's own tokenizer class with a vocabulary of single bytes, and a template of its form."""
    from transformers import Qwen2Tokenizer

    marks = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|video_pad|>"]
    words = [*byte_letters(), "<|endoftext|>", *marks]
    made = Qwen2Tokenizer(
        vocab={word: place for place, word in enumerate(words)}, merges=[], additional_special_tokens=marks
    )
    made.chat_template = (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
        "{% endfor %}<|im_start|>assistant\n"
    )
    return made


def _native_side(folder: Path) -> None:
    """Tell the VAE's native side, which this kind's configuration does not."""
    file = folder / "vae" / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(config | {"sample_size": SIDE}), encoding="utf-8")
