"""Train the halves of the deep autoencoder on, each by itself, now that both know what latents mean.

The decoder learns to draw from fields as they truly are, so that it need not wait for an encoder that sees them; the
encoder learns to see them. What it makes of backgrounds stays as it was, for a denoiser may have been trained on that.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from training import deepen, layers
from training.run import Course, device, train

ENCODER_STEPS, ENCODER_BATCH = 1000, 16
DECODER_BATCH = 8
ENCODERS = (
    "quant_conv",
    "encoder.conv_out",
    "encoder.conv_norm_out",
    "encoder.mid_block",
    "encoder.down_blocks.4",
    "encoder.down_blocks.3.downsamplers",
)
DECODERS = (
    "post_quant_conv",
    "decoder.conv_in",
    "decoder.mid_block",
    "decoder.up_blocks.0.",
    "decoder.up_blocks.1.resnets.0.",
)


def run(folder: Path, *, steps: int = 3400) -> None:
    """Leave the autoencoder in `folder/vae`, float32; needs the runs `vae` and `deepen` beside it."""
    torch.manual_seed(0)
    where, parts = device(), folder.parent
    outer = AutoencoderKL.from_pretrained(parts / "vae" / "vae").to(where).eval()
    deep = AutoencoderKL.from_pretrained(parts / "deepen" / "vae").to(where)
    lessons = deepen.lessons(outer, range(deepen.PICTURES), where)
    with torch.no_grad():
        grey = deepen.outside(outer, torch.zeros(1, 3, 256, 256, device=where))
        blank = deepen.inward(deep, grey)[0][:, layers.BACKGROUND]
        known = [
            deepen.inward(deep, part.float().to(where))[0][:, layers.BACKGROUND].cpu()
            for part in lessons["empty"].split(16)
        ]
    lessons["background"] = torch.cat(known).half()
    _encoder(folder / "encoder", deep, lessons, grey, blank, min(steps, ENCODER_STEPS))
    _decoder(folder / "decoder", deep, lessons, steps)
    deep.save_pretrained(folder / "vae")


def _rows(lessons: dict[str, Tensor], count: int, where: torch.device) -> dict[str, Tensor]:
    rows = torch.randint(0, len(lessons["fields"]), (count,))
    return {name: part[rows].float().to(where) for name, part in lessons.items()}


def _only(deep: AutoencoderKL, names: tuple[str, ...]) -> None:
    for name, weight in deep.named_parameters():
        weight.requires_grad_(name.startswith(names))


def _encoder(
    folder: Path, deep: AutoencoderKL, lessons: dict[str, Tensor], grey: Tensor, blank: Tensor, steps: int
) -> None:
    _only(deep, ENCODERS)

    def loss_of(step: int) -> Tensor:
        torch.manual_seed(step)
        lesson = _rows(lessons, ENCODER_BATCH, blank.device)
        few = ENCODER_BATCH // 2 - 1
        mean, logvar = deepen.inward(deep, torch.cat([lesson["features"], lesson["empty"][:few], grey]))
        seen, empty, nothing = mean.split([ENCODER_BATCH, few, 1])
        fields, background = lesson["fields"], lesson["background"]
        there = fields.any(1, keepdim=True)
        told = ((1 + 3 * there) * (seen[:, layers.FIELDS] - fields).square()).mean()
        told = told + 0.5 * (empty[:, layers.FIELDS].square().mean() + nothing[:, layers.FIELDS].square().mean())
        kept = ((2.2 - 2 * there.float()) * (seen[:, layers.BACKGROUND] - background).square()).mean()
        kept = kept + 2 * (empty[:, layers.BACKGROUND] - background[:few]).square().mean()
        kept = kept + 0.5 * (nothing[:, layers.BACKGROUND] - blank).square().mean()
        return told + kept + 1e-3 * (logvar + 6).square().mean()

    course = Course(
        folder=folder, steps=steps, learning_rate=1.5e-3, warmup=50, held=0.6, device=str(blank.device), average=0.995
    )
    train(course, deep, loss_of)


def _decoder(folder: Path, deep: AutoencoderKL, lessons: dict[str, Tensor], steps: int) -> None:
    _only(deep, DECODERS)
    where = next(deep.parameters()).device
    spread = lessons["wanted"][:400].float().std((0, 2, 3), keepdim=True).to(where) + 1e-3

    def loss_of(step: int) -> Tensor:
        torch.manual_seed(step)
        lesson = _rows(lessons, DECODER_BATCH, where)
        alone = torch.rand(DECODER_BATCH, 1, 1, 1, device=where) < 0.1
        details = lesson["background"][:, layers.DETAILS]
        latents = torch.cat([lesson["thumbnails"], details, torch.where(alone, 0, lesson["fields"])], 1)
        made = deepen.outward(deep, deepen.worn(latents))
        wanted = torch.where(alone, lesson["wanted_empty"], lesson["wanted"])
        weight = 1 + 9 * lesson["things"] * ~alone
        return (weight * ((made - wanted) / spread).square()).mean() / weight.mean()

    course = Course(
        folder=folder, steps=steps, learning_rate=1.5e-3, warmup=50, held=0.7, device=str(where), average=0.995
    )
    train(course, deep, loss_of)
