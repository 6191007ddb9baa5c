"""Toys of what goes with a checkpoint: a safety checker, and a GPT-2 that expands prompts."""

import json
from pathlib import Path
from typing import Any

from PIL import Image

from tests.toys import byte_letters

WORDS = ("golden", "dreamy", "vivid")


def safety_checker(folder: Path, *, forbidden: Image.Image) -> Any:
    """Write a checker to `folder` that lets everything pass but what looks just like `forbidden`; the model.

    With 64-wide heads, as CLIP's are, so that its sizes can be read from its weights alone.
    """
    import torch
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1}
        vision = sizes | {"image_size": 32, "patch_size": 8}
        model = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=16)).eval()
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    with torch.no_grad():
        seen = model.vision_model(processor(images=forbidden, return_tensors="pt").pixel_values)[1]
        model.concept_embeds[:] = model.visual_projection(seen)
        model.concept_embeds_weights[:] = 0.998
        model.special_care_embeds_weights[:] = 2
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return model


def prompt_expansion(folder: Path) -> Path:
    """Write a GPT-2 that no one trained to `folder`: letters, and three words, which `positive.txt` lists."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    words = [*byte_letters(), *(f"Ġ{word}" for word in WORDS), "<|endoftext|>"]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        told = GPT2Config(
            vocab_size=len(words),
            n_positions=128,
            n_embd=16,
            n_layer=1,
            n_head=2,
            bos_token_id=len(words) - 1,
            eos_token_id=len(words) - 1,
        )
        GPT2LMHeadModel(told).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    (folder / "positive.txt").write_text("\n".join(WORDS), encoding="utf-8")
    return folder
