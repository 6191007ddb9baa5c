"""Train the starter's UNet2DConditionModel (v-prediction): latents, masks and masked latents in, words beside them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from training import layers, words
from training.furnishing import furnished
from training.run import Course, device, precision, train
from training.scenes import Scene, Thing

SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.018,
    "prediction_type": "v_prediction",
    "clip_sample": False,
}
BATCH = 16
THINGS = 2.0
LAYOUT, LOOKS, LOOKS_FROM = 1.2, 0.7, 0.72
"""The middle of the times that are trained: first those at which it is decided what stands where and how many there are
(about 850 of 1,000), from this part of the steps on also those at which known and new come to look alike."""


def build() -> UNet2DConditionModel:
    """Of latents of 16² cells. What is asked for also comes in with the time, so that it reaches every block."""
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=2 * layers.CHANNELS + 1,
        out_channels=layers.CHANNELS,
        block_out_channels=(64, 144),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=words.WIDTH,
        attention_head_dim=(4, 4),
        norm_num_groups=16,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )


class Painter(nn.Module):
    """The UNet, and the text model, which stays as it is."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: CLIPTextModel) -> None:
        super().__init__()
        self.unet = unet
        self.text_encoder = text_encoder.requires_grad_(requires_grad=False)

    def forward(self, ids: Tensor, skip: int, noisy: Tensor, times: Tensor) -> Tensor:
        encoded = words.hidden(self.text_encoder, ids, skip)
        return self.unet(noisy, times, encoded).sample


class Shards:
    """The shards of a folder, looked up again every 100 batches, so that training may start on the first."""

    def __init__(self, folder: Path, tokenizer: CLIPTokenizer) -> None:
        self.folder, self.tokenizer, self.asked = folder, tokenizer, 0
        self.kept: dict[Path, dict[str, Any]] = {}

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Token ids, latents, masked latents and masks (1 = paint) of BATCH samples of one size.

        Each has other things in it each time, and is said to have them.
        """
        if self.asked % 100 == 0:
            for path in sorted(self.folder.glob("*.pt")):
                if path not in self.kept:
                    self.kept[path] = torch.load(path, weights_only=True)
        self.asked += 1
        chance = np.random.default_rng(step)
        shard = self.kept[sorted(self.kept)[chance.integers(len(self.kept))]]
        rows = chance.choice(len(shard["masks"]), BATCH, replace=False)
        made = [
            furnished(chance, shard["kinds"][row], scene_of(shard, row), shard["hidden"][row][0], shard["inside"][row])
            for row in rows
        ]
        texts = [one.text if chance.random() > 0.1 else "" for one in made]
        latents = torch.cat([shard["background"][rows].float(), torch.stack([one.fields for one in made])], 1)
        masked = torch.cat([shard["masked"][rows].float(), torch.stack([one.seen for one in made])], 1)
        return words.encode(self.tokenizer, texts), latents, masked, shard["masks"][rows].float()


def scene_of(shard: dict[str, Any], row: int) -> Scene:
    """The scene of a sample, as the shard keeps it."""
    told = shard["scenes"][row]
    return Scene(**told | {"things": tuple(Thing(**thing) for thing in told["things"])})


def _times(middle: float) -> Tensor:
    """A time of the schedule for each sample, spread evenly over a logit-normal distribution about `middle`.

    Esser et al. 2024, arXiv:2403.03206.
    """
    share = ((torch.arange(BATCH) + torch.rand(())) / BATCH)[torch.randperm(BATCH)].clamp(1e-4, 1 - 1e-4)
    return (torch.sigmoid(middle + torch.special.ndtri(share)) * 1000).long()


def _inexact(masked: Tensor) -> Tensor:
    """As an encoder has it that sees things less clearly than the truth is, and draws what it tells."""
    strength = 0.3 + 0.8 * torch.rand(len(masked), 1, 1, 1, device=masked.device)
    background, fields = masked[:, layers.BACKGROUND], masked[:, layers.FIELDS]
    background = background + 0.05 * torch.randn_like(background)
    return torch.cat([background, strength * fields + 0.1 * torch.randn_like(fields)], 1)


def run(folder: Path, *, steps: int = 12500) -> None:
    """Leave `folder/unet`, averaged over the last steps, and `folder/text_encoder`.

    An untrained run goes on from a `folder/unet` that `training.unpack` or an earlier run left there.
    """
    torch.manual_seed(0)
    where, parts = device(), folder.parent
    tokenizer = CLIPTokenizer.from_pretrained(parts / "words" / "tokenizer")
    begun = (folder / "unet").is_dir()
    unet = UNet2DConditionModel.from_pretrained(folder / "unet") if begun else build()
    unet = unet.to(memory_format=torch.channels_last)  # 15 % faster on a CPU
    painter = Painter(unet, CLIPTextModel.from_pretrained(parts / "words" / "text_encoder")).to(where)
    shards = Shards(parts / "latents", tokenizer)
    schedule = DDPMScheduler(**SCHEDULE)

    def loss_of(step: int) -> Tensor:
        torch.manual_seed(step)
        ids, latents, masked, masks = (t.to(where) for t in shards.batch(step))
        times = _times(LAYOUT if step < LOOKS_FROM * steps else LOOKS).to(where)
        noise = torch.randn_like(latents)
        target = schedule.get_velocity(latents, noise, times)
        noisy = torch.cat([schedule.add_noise(latents, noise, times), masks, _inexact(masked)], 1)
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        with precision(where):
            guess = painter(ids, int(torch.rand(()) < 0.2), noisy, times)
        seen = latents[:, layers.FIELDS].any(1, keepdim=True)
        weight = 1 + THINGS * seen  # most of a picture is its place, which is soon learnt
        return (weight * (guess.float() - target).square()).mean() / weight.mean()

    rate = 8e-4 if begun else 1e-3
    course = Course(
        folder=folder,
        steps=steps,
        learning_rate=rate,
        warmup=200,
        held=LOOKS_FROM,
        device=where,
        average=0.998,
        save_every=100,
    )
    train(course, painter, loss_of)
    painter.unet.save_pretrained(folder / "unet")
    painter.text_encoder.save_pretrained(folder / "text_encoder")
