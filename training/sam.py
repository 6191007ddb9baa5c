"""Train the starter's SamModel: boxes, clicks, earlier masks to the mask of one thing, or of the place around all."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import SamConfig, SamImageProcessor, SamModel

from training.album import DEVIATION, MEAN, Album, Page, shown
from training.run import Course, device, precision, train

SIDE = 128
GRID = SIDE // 8
BATCH = 8
ASKED = 2  # boxes, and as many clicks, for every picture
POINTS = 3  # at most, for one mask
NOTHING = -10  # the label of a point that is none


def build() -> SamModel:
    model = SamModel(
        SamConfig(
            vision_config={
                "image_size": SIDE,
                "patch_size": 8,
                "hidden_size": 96,
                "num_hidden_layers": 4,
                "num_attention_heads": 3,
                "output_channels": 64,
                "num_pos_feats": 32,
                "window_size": 0,
                "use_rel_pos": False,
                "initializer_range": 0.02,
            },
            prompt_encoder_config={"hidden_size": 64, "image_size": SIDE, "patch_size": 8, "mask_input_channels": 16},
            mask_decoder_config={
                "hidden_size": 64,
                "mlp_dim": 256,
                "num_attention_heads": 4,
                "iou_head_hidden_dim": 64,
            },
        )
    )
    with torch.no_grad():  # transformers draws them for a model that is then loaded: 50 turns per picture, and none
        model.shared_image_embedding.positional_embedding.normal_()
        model.vision_encoder.pos_embed.normal_(std=0.02)
    return model


def processor() -> SamImageProcessor:
    """What turns a picture into what `build` was trained on."""
    return SamImageProcessor(
        size={"longest_edge": SIDE},
        pad_size={"height": SIDE, "width": SIDE},
        mask_size={"longest_edge": 4 * GRID},
        mask_pad_size={"height": 4 * GRID, "width": 4 * GRID},
        image_mean=list(MEAN),
        image_std=list(DEVIATION),
    )


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Pictures, n × 3 × SIDE²; what is asked of each, in pixels; the masks that answer, n × asked × (4 GRID)²."""

    pictures: Tensor
    boxes: Tensor
    boxed: Tensor
    points: Tensor
    signs: Tensor
    pointed: Tensor


def lesson(rng: Generator, pages: list[Page]) -> Lesson:
    pictures = torch.zeros(len(pages), 3, SIDE, SIDE)
    rows: list[list[NDArray[np.float32]]] = [[], [], [], [], []]
    for i, page in enumerate(pages):
        picture = shown(rng, page)
        pictures[i, :, : picture.shape[1], : picture.shape[2]] = picture
        boxes = [_box(rng, page) for _ in range(ASKED)]
        clicks = [_clicks(rng, page) for _ in range(ASKED)]
        columns = [[b for b, _ in boxes], [m for _, m in boxes], *([c[k] for c in clicks] for k in range(3))]
        for row, column in zip(rows, columns, strict=True):
            row.append(np.stack(column))
    boxes, boxed, points, signs, pointed = (torch.from_numpy(np.stack(row)) for row in rows)
    return Lesson(pictures=pictures, boxes=boxes, boxed=boxed, points=points, signs=signs, pointed=pointed)


def _mask(page: Page, number: int) -> NDArray[np.float32]:
    """What shows the label `number`, on the grid of the model's masks: SIDE / 2 squared, averaged over 2² px."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[: page.labels.shape[0], : page.labels.shape[1]] = page.labels == number
    return mask.reshape(SIDE // 2, 2, SIDE // 2, 2).mean((1, 3))


def _box(rng: Generator, page: Page) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A box a little off the thing's own."""
    thing = int(rng.choice(page.seen()))
    x0, y0, x1, y1 = page.boxes[thing]
    height, width = page.labels.shape
    slack = rng.normal(0, 0.05, 4).clip(-0.12, 0.12) * (x1 - x0, y1 - y0, x1 - x0, y1 - y0)
    box = (page.boxes[thing] + slack).clip(0, 1) * (width, height, width, height)
    return box.astype(np.float32), _mask(page, thing + 1)


def _clicks(rng: Generator, page: Page) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """One to POINTS points, their signs (1 in, 0 out, NOTHING), and the mask; one in six asks for the place."""
    label = 0 if rng.random() < 1 / 6 else int(rng.choice(page.seen())) + 1
    points, signs = np.zeros((POINTS, 2), np.float32), np.full(POINTS, NOTHING, np.float32)
    for i in range(int(rng.choice([1, 2, 3], p=[0.6, 0.2, 0.2]))):
        inside = i == 0 or rng.random() < 0.5
        ys, xs = np.nonzero((page.labels == label) == inside)
        at = rng.integers(len(xs))
        points[i], signs[i] = (xs[at], ys[at]), inside
    return points, signs, _mask(page, label)


def mask_loss(guess: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy plus what dice leaves to 1, for every mask of n × asked × masks × height × width."""
    chance = torch.sigmoid(guess)
    both = (chance * wanted).sum((-2, -1))
    dice = 1 - (2 * both + 1) / (chance.sum((-2, -1)) + wanted.sum((-2, -1)) + 1)
    wrong = functional.binary_cross_entropy_with_logits(guess, wanted, reduction="none").mean((-2, -1))
    return 4 * wrong + dice


def overlap(guess: Tensor, wanted: Tensor) -> Tensor:
    """Intersection over union of guessed and wanted masks."""
    one, other = guess > 0, wanted > 0.5
    return (one & other).sum((-2, -1)) / (one | other).sum((-2, -1)).clamp(min=1)


class Student(nn.Module):
    """The model, and a hint thrown away later: each cell of the embedding must tell the middle of its thing."""

    def __init__(self) -> None:
        super().__init__()
        self.model = build()
        self.hint = nn.Conv2d(64, 2, 1)

    def loss(self, given: Lesson, *, several: bool, hints: float) -> Tensor:
        """`several`: three masks for clicks (the best one counts), not a single one; the opposite for boxes."""
        model = self.model
        embedded = model.vision_encoder(given.pictures).last_hidden_state
        loss = hints * self._hint_loss(embedded, given) if hints else embedded.new_zeros(())
        boxed = model(image_embeddings=embedded, input_boxes=given.boxes, multimask_output=not several)
        loss = loss + _answer_loss(boxed.pred_masks, boxed.iou_scores, given.boxed)
        clicked = model(
            image_embeddings=embedded,
            input_points=given.points,
            input_labels=given.signs,
            multimask_output=several,
        )
        loss = loss + _answer_loss(clicked.pred_masks, clicked.iou_scores, given.pointed)
        return loss if several else loss + self._again(embedded, given, clicked.pred_masks[:, :1].detach())

    def _again(self, embedded: Tensor, given: Lesson, earlier: Tensor) -> Tensor:
        """The first click's mask once more, with what came of it, or the truth blurred and shrunk, as earlier mask."""
        truth = given.pointed[:, :1]
        shrunk, chance = torch.rand(2, len(truth), 1, 1, 1, device=truth.device)
        rough = functional.avg_pool2d(truth, 5, 1, 2) + 0.3 * (shrunk - 0.5)
        known = torch.where(chance < 0.5, earlier[:, 0], 20 * (rough.clamp(0, 1) - 0.5))
        told = self.model(
            image_embeddings=embedded,
            input_points=given.points[:, :1],
            input_labels=given.signs[:, :1],
            input_masks=known,
            multimask_output=False,
        )
        return 0.5 * _answer_loss(told.pred_masks, told.iou_scores, truth)

    def _hint_loss(self, embedded: Tensor, given: Lesson) -> Tensor:
        """How far off the middle of its box, in 32 px, every cell of a boxed thing is."""
        cells = functional.avg_pool2d(given.boxed, 4)
        at = (torch.arange(GRID, device=cells.device) + 0.5) * 8
        middle = (given.boxes[..., :2] + given.boxes[..., 2:]) / 2
        across = middle[..., 0, None, None] - at
        down = middle[..., 1, None, None] - at[:, None]
        way = torch.stack([across.expand_as(cells), down.expand_as(cells)], 2)
        far = (self.hint(embedded)[:, None] - way / 32).abs().mean(2)
        return (far * cells).sum() / cells.sum().clamp(min=1)


def _answer_loss(guess: Tensor, score: Tensor, wanted: Tensor) -> Tensor:
    """The best mask's loss, a tenth of all of them, and how far off the model is about their overlaps."""
    wanted = wanted[:, :, None].expand_as(guess)
    losses = mask_loss(guess, wanted)
    misjudged = (score - overlap(guess.detach(), wanted)).square().mean()
    return losses.amin(-1).mean() + 0.1 * losses.mean() + misjudged


def run(folder: Path, *, steps: int = 3000) -> None:
    """Leave `folder/model`, a SamModel with its image processor, float32."""
    torch.manual_seed(0)
    where = device()
    album = Album(side=SIDE, pages=1500, seed=50_000)
    student = Student().to(where)

    def loss_of(step: int) -> Tensor:
        torch.manual_seed(step)
        rng = np.random.default_rng((51_000, step))
        given = lesson(rng, [album.page(step * BATCH + i) for i in range(BATCH)])
        given = Lesson(**{name: value.to(where) for name, value in vars(given).items()})
        with precision(where):
            return student.loss(given, several=step % 2 == 0, hints=max(0.0, 0.5 - step / steps))

    train(
        Course(folder=folder, steps=steps, learning_rate=1.5e-3, device=where, average=0.995, save_every=100),
        student,
        loss_of,
    )
    student.model.cpu().eval().save_pretrained(folder / "model")
    processor().save_pretrained(folder / "model")
