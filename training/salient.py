"""Train the starter's salient-object model, an ONNX file that rembg runs as a custom U²-Net session."""

import itertools
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image, ImageFilter
from torch import Tensor, nn
from torch.nn import functional

from training.run import Course, device, precision, train
from training.scenes import draw, paint

SIDE = 320
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _block(inner: int, outer: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inner, outer, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(outer), nn.ReLU(True)
    )


class Salient(nn.Module):
    """n × 3 × 320 × 320 (RGB, rembg's normalisation) to n × 1 × 320 × 320 in 0..1, 1 = object."""

    def __init__(self) -> None:
        super().__init__()
        widths = (12, 24, 40, 48, 48)
        self.enter = _block(3, widths[0])
        self.down = nn.ModuleList(nn.Sequential(_block(a, b, 2), _block(b, b)) for a, b in itertools.pairwise(widths))
        self.middle = nn.Sequential(_block(48, 48, dilation=2), _block(48, 48, dilation=4), _block(48, 48))
        self.up = nn.ModuleList(_block(a + b, a) for a, b in itertools.pairwise(widths))
        self.leave = nn.Conv2d(widths[0], 1, 1)

    def forward(self, picture: Tensor) -> Tensor:
        # rembg stretches what it gets to 0..255, so where nothing stands out the answer must be flat, not faint.
        chance = torch.sigmoid(self.logits(picture))
        return chance * (chance.amax((2, 3), keepdim=True) > 0.5)

    def logits(self, picture: Tensor) -> Tensor:
        levels = [self.enter(functional.avg_pool2d(picture, 2))]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = self.middle(levels.pop())
        for up in reversed(self.up):
            skip = levels.pop()
            x = up(torch.cat([functional.interpolate(x, scale_factor=2.0, mode="bilinear"), skip], 1))
        return functional.interpolate(self.leave(x), scale_factor=2.0, mode="bilinear")


def _sample(rng: Generator) -> tuple[Tensor, Tensor]:
    width, height = ((256, 256), (288, 224), (224, 288), (352, 256), (341, 341))[
        rng.choice(5, p=[0.5, 0.13, 0.13, 0.12, 0.12])
    ]
    painting = paint(draw(rng, width=int(width), height=int(height)))
    picture = Image.fromarray(painting.picture)
    if rng.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.6))))
    truth = Image.fromarray(np.any(painting.masks, axis=0)).convert("L")
    values = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.float32) / 255
    if rng.random() < 0.7:
        values = values * rng.uniform(0.9, 1.1, 3) + rng.normal(0, rng.uniform(0, 0.03), values.shape)
    values = ((values - MEAN) / DEVIATION).astype(np.float32)
    wanted = np.asarray(truth.resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32) / 255
    return torch.from_numpy(values).permute(2, 0, 1), torch.from_numpy(wanted)[None]


def _loss(guess: Tensor, wanted: Tensor) -> Tensor:
    chance = torch.sigmoid(guess)
    both = (chance * wanted).sum((1, 2, 3))
    overlap = (both + 1) / ((chance + wanted - chance * wanted).sum((1, 2, 3)) + 1)
    return functional.binary_cross_entropy_with_logits(guess, wanted) + (1 - overlap).mean()


def run(folder: Path, *, steps: int = 550) -> None:
    """Leave `folder/gesso-salient.onnx`."""
    torch.manual_seed(0)
    where = device()
    model = Salient().to(where)

    def loss_of(step: int) -> Tensor:
        rng = np.random.default_rng(40_000 + step)
        pictures, wanted = zip(*(_sample(rng) for _ in range(8)), strict=True)
        with precision(where):
            guess = model.logits(torch.stack(pictures).to(where))
        return _loss(guess.float(), torch.stack(wanted).to(where))

    train(Course(folder=folder, steps=steps, learning_rate=3e-3, device=where, average=0.99), model, loss_of)
    model.cpu().eval()
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, SIDE, SIDE),),
        folder / "gesso-salient.onnx",
        input_names=["picture"],
        output_names=["mask"],
        opset_version=18,
        external_data=False,
    )
