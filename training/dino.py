"""Train the starter's GroundingDINO (transformers' format): words and a picture to the boxes of what they name.

The loss is ours, for a short training: transformers' own never trains the boxes that the first stage proposes, looks up
the wrong words from the third picture of a batch on, gives each box one phrase only, where a red ball is both of
"ball . red ball", and lets one query alone answer each thing. Here all answer that start near it (as in DETA); whoever
uses the model drops those that say the same.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import box_convert, box_iou, generalized_box_iou, generalized_box_iou_loss
from transformers import (
    BertTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessor,
    GroundingDinoProcessor,
)
from transformers.loss.loss_grounding_dino import sigmoid_focal_loss

from training import phrases
from training.album import DEVIATION, MEAN, SIZES, Album, Page, shown
from training.objects import COLOURS, OBJECTS
from training.run import Course, device, precision, train

SIDE = 128
SMALLER = 0.75  # pictures at first: they take half of the time, and a thing is still twenty pixels wide
SMALLER_UNTIL = 0.6
BATCH = 16
WIDTH = 64
WIDE = (64, 128)  # what the backbone hands on, at 8 and 16 px a cell
NAMING = 6.0  # what words weigh in the loss, beside boxes
YES, AT_LAST = 0.15, 0.06  # what a right word weighs, beside 1 - YES for a wrong one: in doubt nothing is found
AT_LAST_FROM = 0.935


def build() -> GroundingDinoForObjectDetection:
    model = GroundingDinoForObjectDetection(
        GroundingDinoConfig(
            backbone_config={
                "model_type": "swin",
                "image_size": SIDE,
                "patch_size": 8,
                "embed_dim": 64,
                "depths": [3, 3],
                "num_heads": [4, 4],
                "window_size": 8,
                "mlp_ratio": 3.0,
                "drop_path_rate": 0.0,
                "out_features": ["stage1", "stage2"],
            },
            text_config={
                "model_type": "bert",
                "vocab_size": max(phrases.SPECIAL.values()) + 1,
                "hidden_size": WIDTH,
                "num_hidden_layers": 1,
                "num_attention_heads": 4,
                "intermediate_size": 2 * WIDTH,
                "max_position_embeddings": 256,
                "hidden_dropout_prob": 0.0,
                "attention_probs_dropout_prob": 0.0,
            },
            d_model=WIDTH,
            num_queries=32,
            num_feature_levels=2,
            encoder_layers=1,
            encoder_ffn_dim=2 * WIDTH,
            encoder_attention_heads=4,
            decoder_layers=2,
            decoder_ffn_dim=2 * WIDTH,
            decoder_attention_heads=4,
            dropout=0.0,
            fusion_droppath=0.0,
        )
    )
    _begin(model)
    return model


@torch.no_grad()
def _begin(model: GroundingDinoForObjectDetection) -> None:
    """Where a short training starts from: words and picture mix at once, and nothing is taken for found (1 in 50)."""
    base = model.model
    for layer in base.encoder.layers:
        layer.fusion_layer.vision_param.fill_(0.3)
        layer.fusion_layer.text_param.fill_(0.3)
    base.encoder.layers[-1].text_enhancer_layer.layer_norm_after.bias.fill_(0.25)
    for norm in (base.enc_output_norm, base.decoder.layer_norm):
        norm.weight.fill_(0.2)
        norm.bias.fill_(-0.25)


def processor(tokenizer: BertTokenizer) -> GroundingDinoProcessor:
    """What turns a picture and words into what `build` was trained on."""
    pictures = GroundingDinoImageProcessor(
        size={"shortest_edge": SIDE, "longest_edge": SIDE}, image_mean=list(MEAN), image_std=list(DEVIATION)
    )
    return GroundingDinoProcessor(pictures, tokenizer)


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Pictures of one size and what is asked of each.

    `words`: which tokens name each thing, things × tokens, for every picture; `boxes`: of those things, cx, cy, w, h in
    0..1. `kinds`, `colours`: height × width of every picture, 0 = the place.
    """

    pictures: Tensor
    ids: Tensor
    known: Tensor
    words: list[Tensor]
    boxes: list[Tensor]
    kinds: Tensor
    colours: Tensor


def lesson(rng: Generator, pages: list[Page], tokenizer: BertTokenizer, shrink: float = 1.0) -> Lesson:
    asked = [phrases.questions(rng, page.scene) for page in pages]
    read = tokenizer([phrases.text(each) for each in asked], padding=True, return_tensors="pt")
    words, boxes = [], []
    for page, questions, ids in zip(pages, asked, read.input_ids, strict=True):
        belongs = torch.cumsum(ids == phrases.SPECIAL["."], 0)
        spoken = (belongs < len(questions)) & (ids != phrases.SPECIAL["."]) & (ids != phrases.SPECIAL["[CLS]"])
        rows, places = [], []
        for i in page.seen():
            named = torch.tensor([question.names(page.scene.things[i]) for question in questions])
            if named.any():
                rows.append(spoken & named[belongs.clamp(max=len(questions) - 1)])
                places.append(torch.from_numpy(page.boxes[i]))
        words.append(torch.stack(rows) if rows else torch.zeros(0, len(ids), dtype=torch.bool))
        corners = torch.stack(places) if places else torch.zeros(0, 4)
        boxes.append(box_convert(corners, "xyxy", "cxcywh"))
    kinds, colours = zip(*(_named(page) for page in pages), strict=True)
    return Lesson(
        pictures=torch.stack([shown(rng, page, shrink) for page in pages]),
        ids=read.input_ids,
        known=read.attention_mask,
        words=words,
        boxes=boxes,
        kinds=torch.stack(kinds),
        colours=torch.stack(colours),
    )


def _named(page: Page) -> tuple[Tensor, Tensor]:
    kinds = [0, *(list(OBJECTS).index(thing.kind) + 1 for thing in page.scene.things)]
    colours = [0, *(list(COLOURS).index(thing.colour) + 1 for thing in page.scene.things)]
    labels = torch.from_numpy(page.labels).long()
    return torch.tensor(kinds)[labels], torch.tensor(colours)[labels]


class Student(nn.Module):
    """The model, and hints that are thrown away: each cell of the backbone must tell the kind and colour it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.model = build()
        self.hints = nn.ModuleList(nn.Conv2d(width, len(OBJECTS) + len(COLOURS) + 2, 1) for width in WIDE)
        self._seen: list[Tensor] = []
        self.model.model.backbone.register_forward_hook(
            lambda _, __, made: setattr(self, "_seen", [level for level, _ in made[0]])
        )

    def loss(self, given: Lesson, *, hints: float, yes: float) -> Tensor:
        out = self.model(pixel_values=given.pictures, input_ids=given.ids, attention_mask=given.known)
        loss = self._first_stage(given, out.enc_outputs_class.float(), out.enc_outputs_coord_logits.float(), yes)
        for level in range(out.intermediate_hidden_states.shape[1]):
            loss = loss + self._second_stage(given, out, level, yes)
        if hints:
            loss = loss + hints * sum(
                _hint_loss(head(seen).float(), given) for head, seen in zip(self.hints, self._seen, strict=True)
            )
        return loss

    def _first_stage(self, given: Lesson, scores: Tensor, places: Tensor, yes: float) -> Tensor:
        """Every cell's words and box: at the middle of a thing it must name it, right beside that it may."""
        shapes = [tuple(seen.shape[-2:]) for seen in self._seen]
        answers = []
        for boxes in given.boxes:
            middle, around = _cells(boxes, shapes)
            answers.append((middle, around & ~middle))
        return _answer_loss(given, scores, places, answers, yes)

    def _second_stage(self, given: Lesson, out: Any, level: int, yes: float) -> Tensor:
        """Every query's words and box: it answers what it started from half-way, or nearest of all."""
        model, hidden = self.model, out.intermediate_hidden_states[:, level]
        start = out.intermediate_reference_points[:, level - 1] if level else out.init_reference_points
        places = model.bbox_embed[level](hidden) + torch.special.logit(start, eps=1e-5)
        scores = model.class_embed[level](hidden, out.encoder_last_hidden_state_text, given.known.bool())
        answers = [_queries(*pair) for pair in zip(given.boxes, start, strict=True)]
        return _answer_loss(given, scores, places, answers, yes)


def _answer_loss(
    given: Lesson, scores: Tensor, places: Tensor, answers: list[tuple[Tensor, Tensor]], yes: float = YES
) -> Tensor:
    """Of candidates that must answer each thing, or may: things × candidates, for each picture.

    scores: pictures × candidates × tokens; places: pictures × candidates × 4; both before the sigmoid.
    """
    length = given.ids.shape[1]
    scores = scores[..., :length].float()
    wanted, counted = torch.zeros_like(scores), given.known[:, None].expand_as(scores).bool().clone()
    guesses, boxes = [], []
    for i, (must, may) in enumerate(answers):
        if not len(must):
            continue
        counted[i, may.any(0) & ~must.any(0)] = False
        wanted[i] = (must.float().T @ given.words[i].float()).clamp(max=1)
        thing, candidate = must.nonzero(as_tuple=True)
        guesses.append(places[i, candidate].float().sigmoid())
        boxes.append(given.boxes[i][thing])
    named = sigmoid_focal_loss(scores[counted], wanted[counted], max(int(wanted.sum()), 1), alpha=yes)
    if not boxes:
        return NAMING * named
    return NAMING * named + _box_loss(torch.cat(guesses), torch.cat(boxes)).mean()


def _cells(boxes: Tensor, shapes: list[tuple[int, ...]]) -> tuple[Tensor, Tensor]:
    """Which cells of all levels lie at the middle of each box, and which at most one farther: boxes × cells."""
    middle, around = [], []
    for height, width in shapes:
        y, x = (torch.arange(n, device=boxes.device) + 0.5 for n in (height, width))
        off_x = (x - boxes[:, :1] * width).abs()[:, None]
        off_y = (y - boxes[:, 1:2] * height).abs()[:, :, None]
        middle.append(((off_x <= 0.75) & (off_y <= 0.75)).flatten(1))
        around.append(((off_x <= 1.75) & (off_y <= 1.75)).flatten(1))
    return torch.cat(middle, 1), torch.cat(around, 1)


@torch.no_grad()
def _queries(boxes: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """Which queries must answer each box, and which may, by where they start from: boxes × queries."""
    one, other = (box_convert(each.float(), "cxcywh", "xyxy") for each in (boxes, start))
    shared = box_iou(one, other)
    if not len(boxes):
        return shared > 1, shared > 1
    near = generalized_box_iou(one, other)
    must = (shared > 0.5) | (near == near.amax(1, keepdim=True))
    return must, shared > 0.3


def _box_loss(guess: Tensor, wanted: Tensor) -> Tensor:
    """One number per box, weighed as in DETR."""
    corners = (box_convert(boxes, "cxcywh", "xyxy") for boxes in (guess, wanted))
    return 5 * (guess - wanted).abs().sum(-1) + 2 * generalized_box_iou_loss(*corners)


def _hint_loss(guess: Tensor, given: Lesson) -> Tensor:
    """Things count as much as the place around them."""
    size = guess.shape[-2:]
    kinds, colours = (
        functional.interpolate(layer[:, None].float(), size=size, mode="nearest-exact")[:, 0].long()
        for layer in (given.kinds, given.colours)
    )
    kind, colour = guess.split([len(OBJECTS) + 1, len(COLOURS) + 1], 1)
    wrong = functional.cross_entropy(kind, kinds, reduction="none")
    wrong = wrong + functional.cross_entropy(colour, colours, reduction="none")
    weight = torch.where(kinds > 0, 1.0, 0.2)
    return (wrong * weight).sum() / weight.sum()


def _moved(given: Lesson, where: str) -> Lesson:
    move = functools.partial(torch.Tensor.to, device=where)
    return Lesson(
        **{k: list(map(move, v)) if isinstance(v, list) else move(v) for k, v in vars(given).items()},
    )


def run(folder: Path, *, steps: int = 2560, pages: int = 4000) -> None:
    """Leave `folder/model`, a GroundingDINO with its processor, float32.

    An untrained run goes on from a `folder/model` that `training.unpack` or an earlier run left there.
    """
    torch.manual_seed(0)
    where = device()
    tokenizer = phrases.make_tokenizer(folder / "tokenizer")
    album = Album(side=SIDE, pages=pages, seed=60_000)
    student, begun = Student().to(where), (folder / "model").is_dir()
    if begun:
        known = GroundingDinoForObjectDetection.from_pretrained(folder / "model", dtype=torch.float32)
        student.model.load_state_dict(known.state_dict())

    def loss_of(step: int) -> Tensor:
        rng = np.random.default_rng((61_000, step))
        size = int(rng.choice(len(SIZES), p=[0.5, 0.13, 0.13, 0.12, 0.12]))
        chosen = rng.integers(pages // len(SIZES), size=BATCH) * len(SIZES) + size
        shrink = SMALLER if not begun and step < SMALLER_UNTIL * steps else 1.0
        given = _moved(lesson(rng, [album.page(int(i)) for i in chosen], tokenizer, shrink), where)
        with precision(where):
            yes = YES if step < AT_LAST_FROM * steps else AT_LAST
            return student.loss(given, hints=max(0.4, 1 - step / steps), yes=yes)

    course = Course(folder=folder, steps=steps, learning_rate=1e-3, device=where, average=0.998, save_every=100)
    train(course, student, loss_of)
    student.model.cpu().eval().save_pretrained(folder / "model")
    processor(tokenizer).save_pretrained(folder / "model")
