"""Train the starter's UNet2DConditionModel (9 channels, v-prediction) together with its text model."""

import random
from pathlib import Path

import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from training import words
from training.run import Course, device, precision, train

SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.018,
    "prediction_type": "v_prediction",
    "clip_sample": False,
}
BATCH = 24
THINGS = 4.0
CLOSE = 20  # the side, in latent cells, of a close-up: the largest thing is 17 cells wide
CLOSE_UNTIL = 0.45  # of the run: a close-up takes two fifths of the time of a whole picture


def build() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=9,
        out_channels=4,
        block_out_channels=(48, 96, 160),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=words.WIDTH,
        attention_head_dim=(3, 4, 5),
        norm_num_groups=16,
    )


class Painter(nn.Module):
    """The UNet and the text model as one thing to train."""

    def __init__(self, text_encoder: CLIPTextModel) -> None:
        super().__init__()
        self.unet = build()
        self.text_encoder = text_encoder

    def forward(self, ids: Tensor, skip: int, noisy: Tensor, times: Tensor) -> Tensor:
        encoded = words.hidden(self.text_encoder, ids, skip)
        return self.unet(noisy, times, encoded).sample


class Shards:
    """The shards of a folder, looked up again every 100 batches, so that training may start on the first."""

    def __init__(self, folder: Path, tokenizer: CLIPTokenizer) -> None:
        self.folder, self.tokenizer, self.asked = folder, tokenizer, 0
        self.kept: dict[Path, dict[str, Tensor]] = {}

    def batch(self, step: int, *, close: bool = False) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Token ids, latents, masked latents, masks (1 = paint) and where things are of BATCH samples of one size.

        `close`: only pictures of one thing, cut down to a square of CLOSE cells around it, somewhere.
        """
        if self.asked % 100 == 0:
            for path in sorted(self.folder.glob("*.pt")):
                if path not in self.kept:
                    self.kept[path] = self._load(path)
        self.asked += 1
        chance = random.Random(step)
        shard = self.kept[chance.choice(sorted(self.kept))]
        rows = chance.sample(shard["single"].tolist() if close else range(len(shard["latents"])), BATCH)
        ids = torch.stack([shard["ids"][row][chance.randrange(len(shard["ids"][row]))] for row in rows]).long()
        for i in range(BATCH):
            if chance.random() < 0.1:
                ids[i] = self.nothing
        layers = [shard[layer][rows].float() for layer in ("latents", "masked", "masks", "seen")]
        if close:
            corners = [_corner(chance, seen[0]) for seen in layers[3]]
            layers = [
                torch.stack(
                    [part[:, y : y + CLOSE, x : x + CLOSE] for part, (y, x) in zip(layer, corners, strict=True)]
                )
                for layer in layers
            ]
        return ids, *layers

    @property
    def nothing(self) -> Tensor:
        return words.encode(self.tokenizer, [""])[0]

    def _load(self, path: Path) -> dict[str, Tensor]:
        shard = torch.load(path, weights_only=True)
        captions = shard.pop("captions")
        flat = words.encode(self.tokenizer, [text for row in captions for text in row]).short()
        shard["ids"] = flat.reshape(len(captions), -1, words.LENGTH)
        shard["single"] = (shard["things"] == 1).nonzero()[:, 0]
        return shard


def _corner(chance: random.Random, seen: Tensor) -> tuple[int, int]:
    """The upper left corner of a square of CLOSE cells that holds all of `seen` (height × width), as far as it can."""
    corner = []
    for axis, size in enumerate(seen.shape):
        at = seen.amax(1 - axis).nonzero()[:, 0]
        first, last = (int(at[0]), int(at[-1])) if len(at) else (0, size - 1)
        low, high = max(last + 1 - CLOSE, 0), min(first, size - CLOSE)
        corner.append(chance.randint(min(low, high), max(low, high)))
    return corner[0], corner[1]


def _times() -> Tensor:
    """A time of the schedule for each sample, spread evenly over a logit-normal distribution.

    Most lie where a shape is decided, few where all is noise or nothing is (Esser et al. 2024, arXiv:2403.03206).
    """
    share = ((torch.arange(BATCH) + torch.rand(())) / BATCH)[torch.randperm(BATCH)].clamp(1e-4, 1 - 1e-4)
    return (torch.sigmoid(0.25 + torch.special.ndtri(share)) * 1000).long()


def run(folder: Path, *, steps: int = 12000) -> None:
    """Leave `folder/unet` and `folder/text_encoder`, both averaged over the last steps.

    An untrained run goes on from a `folder/unet` that `training.unpack` or an earlier run left there, with its words,
    which it leaves as they are.
    """
    torch.manual_seed(0)
    where, parts = device(), folder.parent
    tokenizer = CLIPTokenizer.from_pretrained(parts / "words" / "tokenizer")
    begun = (folder / "unet").is_dir()
    known = folder if (folder / "text_encoder").is_dir() else parts / "words"
    painter = Painter(CLIPTextModel.from_pretrained(known / "text_encoder")).to(where)
    if begun:
        painter.unet.load_state_dict(UNet2DConditionModel.from_pretrained(folder / "unet").state_dict())
        painter.text_encoder.requires_grad_(requires_grad=False)
    shards = Shards(parts / "latents", tokenizer)
    schedule = DDPMScheduler(**SCHEDULE)

    def loss_of(step: int) -> Tensor:
        torch.manual_seed(step)
        ids, latents, masked, masks, seen = (t.to(where) for t in shards.batch(step, close=step < CLOSE_UNTIL * steps))
        times = _times().to(where)
        noise = torch.randn_like(latents)
        target = schedule.get_velocity(latents, noise, times)
        noisy = torch.cat([schedule.add_noise(latents, noise, times), masks, masked], 1)
        with precision(where):
            guess = painter(ids, int(torch.rand(()) < 0.2), noisy, times)
        weight = 1 + THINGS * seen  # most of a picture is its place, which is soon learnt
        return (weight * (guess.float() - target).square()).mean() / weight.mean()

    rate = 4e-4 if begun else 1e-3
    course = Course(
        folder=folder, steps=steps, learning_rate=rate, warmup=200, device=where, average=0.998, save_every=100
    )
    train(course, painter, loss_of)
    painter.unet.save_pretrained(folder / "unet")
    painter.text_encoder.save_pretrained(folder / "text_encoder")
