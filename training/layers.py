"""What the deep autoencoder's latents are taught to mean: a background, and over it a field for each thing.

A cell of 16² px has 16 channels. `COLOURS_OF` are the background's mean colours; `DETAILS` what else is needed to paint
it, left to the autoencoder; `FIELDS` say of the thing that stands there which kind and colour it is and where in it the
cell lies. So a denoiser need not draw: it puts a smooth field somewhere, and the decoder knows the shapes.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.objects import COLOURS, OBJECTS
from training.scenes import Thing

CELL = 16
CHANNELS = 16
BACKGROUND = slice(0, 7)
COLOURS_OF = slice(0, 3)
DETAILS = slice(3, 7)
FIELDS = slice(7, 16)

LIGHTNESS = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 2.0, -1.0))
MIDDLE = (0.57, -0.11, 0.03)
SPREAD = (1.3, 0.57, 0.51)
"""Of red, green and blue in [-1, 1]: how light, how warm, how green; means and standard deviations over scenes."""

KIND, OWN, WHERE = 3.0, 1.5, 2.5
"""How strong a field's parts are: the more, the sooner they stand out from the noise."""


def _mixed(colours: Tensor) -> Tensor:
    """n × 3 × … of red, green, blue in [-1, 1] to n × 3 × … numbers of standard deviation 1: see `LIGHTNESS`."""
    mixed = torch.einsum("kc,nc...->nk...", torch.tensor(LIGHTNESS, device=colours.device), colours)
    shape = (1, 3) + (1,) * (colours.ndim - 2)
    middle, spread = (torch.tensor(each, device=colours.device).reshape(shape) for each in (MIDDLE, SPREAD))
    return (mixed - middle) / spread


def thumbnail(pictures: Tensor) -> Tensor:
    """The colours of n × 3 × height × width pictures in [-1, 1]: n × 3 × height/16 × width/16."""
    return _mixed(functional.avg_pool2d(pictures, CELL))


def fields(things: Sequence[Thing], width: int, height: int) -> Tensor:
    """9 × height/16 × width/16: 4 of the kind (one of them, plus or minus), 3 of the colour, 2 of where in it.

    A field is a disc a little larger than the thing, the same for every kind, and fades at its edge; between two
    things a cell belongs to the one it is nearer to, in that thing's own units.
    """
    rows, columns = height // CELL, width // CELL
    y, x = torch.meshgrid(torch.arange(rows) * CELL + 7.5, torch.arange(columns) * CELL + 7.5, indexing="ij")
    made, nearest = torch.zeros(9, rows, columns), torch.full((rows, columns), torch.inf)
    for thing in things:
        u, v = (x - thing.x) / thing.radius, (y - thing.y) / thing.radius
        distance = torch.hypot(u, v)
        fade = ((1.4 - distance) / 0.5).clamp(0, 1)
        own = torch.zeros(9, rows, columns)
        axis, minus = divmod(list(OBJECTS).index(thing.kind), 2)
        own[axis] = -KIND if minus else KIND
        colour = torch.from_numpy(np.asarray(COLOURS[thing.colour], np.float32)) / 127.5 - 1
        own[4:7] = OWN * _mixed(colour[None])[0][:, None, None]
        own[7], own[8] = WHERE * u, WHERE * v
        mine = distance < nearest
        made = torch.where(mine, own * fade, made)
        nearest = torch.where(mine, distance, nearest)
    return made


def broad_noise_like(latents: Tensor) -> Tensor:
    """Noise several cells wide, of the shape of n × channels × rows × columns."""
    count, channels, rows, columns = latents.shape
    coarse = torch.randn(count, channels, rows // 4, columns // 4, device=latents.device)
    return functional.interpolate(coarse, (rows, columns), mode="bilinear")


def told(deep: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What n × 9 × rows × columns of fields say, read in squares of 2 × 2 cells.

    Kinds' and colours' numbers for each square that lies inside one thing, and n × rows/2 × columns/2: True for those.
    """
    mean = functional.avg_pool2d(deep, 2)
    inside = mean[:, :4].abs().amax(1) > 0.98 * KIND
    shown = mean.movedim(1, -1)[inside]
    axis = shown[:, :4].abs().argmax(1)
    kinds = 2 * axis + (shown.gather(1, axis[:, None])[:, 0] < 0)
    known = torch.from_numpy(np.asarray(list(COLOURS.values()), np.float32)).to(deep) / 127.5 - 1
    colours = torch.cdist(shown[:, 4:7], OWN * _mixed(known)).argmin(1)
    return kinds, colours, inside


def order(things: Sequence[Thing], width: int, height: int) -> Tensor:
    """height/32 × width/32, for squares of 2 × 2 cells: the number of the thing that is there, or -1."""
    rows, columns, side = height // CELL // 2, width // CELL // 2, 2 * CELL
    if not things:
        return torch.full((rows, columns), -1)
    y, x = torch.meshgrid(
        torch.arange(rows) * side + side / 2 - 0.5, torch.arange(columns) * side + side / 2 - 0.5, indexing="ij"
    )
    away = torch.stack([torch.hypot(x - thing.x, y - thing.y) / thing.radius for thing in things])
    nearest, number = away.min(0)
    return torch.where(nearest < 1.1, number, -1)
