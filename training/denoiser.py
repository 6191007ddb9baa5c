"""Train the starter's UNet2DConditionModel (v-prediction): latents, masks and masked latents in, words beside them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer

from training import layers, words
from training.furnishing import furnished
from training.objects import COLOURS, OBJECTS
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
SHARES = {"whole": 1.0, "hole": 1.2, "border": 0.6}
"""How often each exercise is drawn from a shard, against its part there."""

THINGS = 2.0
PHANTOMS = 0.8
"""How strong, at most, are the fields that an encoder sees where nothing stands."""

TUTORED = 0.05
LAYOUT, LOOKS, LOOKS_FROM = 1.2, 0.7, 0.6
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


class Tutor(nn.Module):
    """Asks the UNet's deepest layers, while it trains, where each cell lies and what stands there.

    Left to its own loss the UNet took captions as bags of words: every cell chose a kind and a colour from them,
    whatever the others chose. So it is asked which they are, and shown where in the caption to look for them: where
    `words.Reader` looks for what stands first, second or third.
    """

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        width = unet.config.block_out_channels[-1]
        down, middle = unet.down_blocks[-1], unet.mid_block
        self.where = nn.Conv2d(width, 2, 1)
        self.which = nn.ModuleList([nn.Conv2d(width, len(OBJECTS) + len(COLOURS), 1) for _ in range(2)])
        self.heard: dict[str, Tensor] = {}
        self.looking = [part.attentions[-1].transformer_blocks[-1].attn2 for part in (down, middle)]
        down.resnets[-1].register_forward_hook(self._hear("before"))
        for number, part in enumerate((down, middle)):
            part.attentions[-1].register_forward_hook(self._hear(f"after {number}"))
            part.attentions[-1].transformer_blocks[-1].norm2.register_forward_hook(self._hear(f"asking {number}"))

    def _hear(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_module: nn.Module, _inputs: object, output: Any) -> None:
            self.heard[name] = output[0] if isinstance(output, tuple) else output

        return hook

    def loss(self, latents: Tensor, encoded: Tensor, looks: Tensor, order: Tensor) -> Tensor:
        """Of the last forward pass. latents: what should have come out. encoded: its captions, texts × 77 × width.

        looks, order: see `words.Reader.looks`, `training.layers.order`.
        """
        before = self.heard["before"].float()
        y, x = (torch.linspace(-1, 1, side, device=before.device) for side in before.shape[2:])
        truth = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))])
        lost = (self.where(before) - truth).square().mean()
        kinds, colours, inside = layers.told(latents[:, layers.FIELDS])
        sample, row, column = (order >= 0).nonzero(as_tuple=True)
        shown = looks[sample, order[sample, row, column]]
        for number, (head, attention) in enumerate(zip(self.which, self.looking, strict=True)):
            after, asking = (self.heard[f"{when} {number}"].float() for when in ("after", "asking"))
            kind, colour = head(after).movedim(1, -1)[inside].split([len(OBJECTS), len(COLOURS)], 1)
            if len(kind):
                lost = lost + functional.cross_entropy(kind, kinds) + functional.cross_entropy(colour, colours)
            if len(sample):
                looked = _looks(attention, asking[sample, row * len(x) + column], encoded, sample)
                lost = lost + functional.kl_div(looked, shown, reduction="batchmean") / attention.heads
        return lost


def _looks(attention: Attention, asking: Tensor, encoded: Tensor, sample: Tensor) -> Tensor:
    """cells × heads × 77: the logarithms of how much `attention` looks at each word. asking: cells × width."""
    queries = attention.to_q(asking).unflatten(-1, (attention.heads, -1))
    keys = attention.to_k(encoded).unflatten(-1, (attention.heads, -1))[sample]
    return (torch.einsum("chw,cthw->cht", queries, keys) * attention.scale).log_softmax(-1)


class Shards:
    """The shards of a folder, looked up again every 100 batches, so that training may start on the first."""

    def __init__(self, folder: Path, tokenizer: CLIPTokenizer) -> None:
        self.folder, self.tokenizer, self.asked = folder, tokenizer, 0
        self.kept: dict[Path, dict[str, Any]] = {}

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """Token ids, latents, masked latents, masks (1 = paint) and `layers.order` of BATCH samples of one size.

        Each has other things in it each time, and is said to have them.
        """
        if self.asked % 100 == 0:
            for path in sorted(self.folder.glob("*.pt")):
                if path not in self.kept:
                    self.kept[path] = torch.load(path, weights_only=True)
        self.asked += 1
        chance = np.random.default_rng(step)
        shard = self.kept[sorted(self.kept)[chance.integers(len(self.kept))]]
        shares = np.array([SHARES[kind] for kind in shard["kinds"]])
        rows = chance.choice(len(shares), BATCH, replace=False, p=shares / shares.sum())
        made = [
            furnished(chance, shard["kinds"][row], scene_of(shard, row), shard["hidden"][row][0], shard["inside"][row])
            for row in rows
        ]
        told = chance.random(BATCH) > 0.1
        texts = [one.text if said else "" for one, said in zip(made, told, strict=True)]
        order = torch.stack(
            [one.order if said else -torch.ones_like(one.order) for one, said in zip(made, told, strict=True)]
        )
        latents = torch.cat([shard["background"][rows].float(), torch.stack([one.fields for one in made])], 1)
        masked = torch.cat([shard["masked"][rows].float(), torch.stack([one.seen for one in made])], 1)
        return words.encode(self.tokenizer, texts), latents, masked, shard["masks"][rows].float(), order


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
    """As an encoder has it that sees things less clearly than the truth is, and some where nothing stands.

    Of a picture that was painted, cut and enlarged it sees fields of a third of a thing's strength, several cells wide.
    """
    strength, much = (torch.rand(len(masked), 1, 1, 1, device=masked.device) for _ in range(2))
    background, fields = masked[:, layers.BACKGROUND], masked[:, layers.FIELDS]
    background = background + 0.05 * torch.randn_like(background)
    broad = layers.broad_noise_like(fields)
    fields = (0.3 + 0.8 * strength) * fields + 0.1 * torch.randn_like(fields) + PHANTOMS * much * broad
    return torch.cat([background, fields], 1)


def run(folder: Path, *, steps: int = 12500) -> None:
    """Leave `folder/unet`, averaged over the last steps, and `folder/text_encoder`, which stays as it is.

    An untrained run goes on from a `folder/unet` that `training.unpack` or an earlier run left there.
    """
    torch.manual_seed(0)
    where, parts = device(), folder.parent
    tokenizer, reader = words.load(parts / "words")
    reader = reader.to(where)
    begun = (folder / "unet").is_dir()
    unet = UNet2DConditionModel.from_pretrained(folder / "unet") if begun else build()
    unet = unet.to(memory_format=torch.channels_last)  # 15 % faster on a CPU
    painter = nn.ModuleDict({"unet": unet, "tutor": Tutor(unet)}).to(where)
    shards = Shards(parts / "latents", tokenizer)
    schedule = DDPMScheduler(**SCHEDULE)

    def loss_of(step: int) -> Tensor:
        torch.manual_seed(step)
        ids, latents, masked, masks, order = (t.to(where) for t in shards.batch(step))
        times = _times(LAYOUT if step < LOOKS_FROM * steps else LOOKS).to(where)
        noise = torch.randn_like(latents)
        target = schedule.get_velocity(latents, noise, times)
        noisy = torch.cat([schedule.add_noise(latents, noise, times), masks, _inexact(masked)], 1)
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        encoded = words.hidden(reader.model, ids, int(torch.rand(()) < 0.2))
        with precision(where):
            guess = unet(noisy, times, encoded).sample
        seen = latents[:, layers.FIELDS].any(1, keepdim=True)
        weight = 1 + THINGS * seen  # most of a picture is its place, which is soon learnt
        lost = (weight * (guess.float() - target).square()).mean() / weight.mean()
        return lost + TUTORED * painter["tutor"].loss(latents, encoded, reader.looks(encoded), order)

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
    unet.save_pretrained(folder / "unet")
    reader.model.save_pretrained(folder / "text_encoder")
