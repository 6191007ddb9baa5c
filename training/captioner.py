"""Train the starter's captioner: a small BLIP, in transformers' own format, that writes what is in a scene.

The text decoder learns the captions. So that the vision model learns to see in an hour, it must also tell of each patch
which thing in which colour it shows, and of the whole where it is; what it answers that with is left out of the result.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    BlipTextConfig,
    BlipVisionConfig,
)

from configs.models import STARTER
from pipelines.describers.blip import Captioner
from training import captions
from training.objects import COLOURS, OBJECTS
from training.places import PLACES
from training.run import Course, device, train
from training.scenes import Painting, Scene, draw, paint
from training.upscaler import redraw

SIDE, PATCH, WIDTH, LENGTH = 128, 16, 128, 32
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]")
SIZES = ((256, 256), (288, 224), (224, 288), (352, 256), (256, 352))
KINDS, SHADES, SPOTS = list(OBJECTS), list(COLOURS), list(PLACES)


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """`picture`: 128 × 128 × 3, uint8. `kinds`, `colours`: of each patch, 8 × 8, uint8, 0 = no thing."""

    picture: NDArray[np.uint8]
    kinds: NDArray[np.uint8]
    colours: NDArray[np.uint8]
    scene: Scene


def make_processor() -> BlipProcessor:
    texts = [captions.plain(draw(np.random.default_rng(seed))) for seed in range(3000)]
    texts += list(captions.ALONE.values())
    words = sorted({word for text in texts for word in text.replace(",", " ,").split()})
    vocabulary = {word: number for number, word in enumerate((*SPECIAL, *words))}
    return BlipProcessor(
        image_processor=BlipImageProcessor(
            size={"height": SIDE, "width": SIDE}, image_mean=[0.5] * 3, image_std=[0.5] * 3
        ),
        tokenizer=BertTokenizer(vocab=vocabulary, bos_token="[DEC]", model_max_length=LENGTH),
    )


def build(processor: BlipProcessor) -> BlipForConditionalGeneration:
    words = processor.tokenizer
    text = BlipTextConfig(
        vocab_size=len(words),
        hidden_size=WIDTH,
        encoder_hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.sep_token_id,
        sep_token_id=words.sep_token_id,
        pad_token_id=words.pad_token_id,
    )
    vision = BlipVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=4,
        num_attention_heads=4,
        image_size=SIDE,
        patch_size=PATCH,
        initializer_range=0.02,
    )
    return BlipForConditionalGeneration(BlipConfig(text_config=text.to_dict(), vision_config=vision.to_dict()))


class Pupil(nn.Module):
    """The captioner, and the questions that are put to its vision model while it learns."""

    def __init__(self, blip: BlipForConditionalGeneration) -> None:
        super().__init__()
        self.blip = blip
        self.kinds = nn.Linear(WIDTH, len(KINDS) + 1)
        self.colours = nn.Linear(WIDTH, len(SHADES) + 1)
        self.place = nn.Linear(WIDTH, len(SPOTS))

    def loss(self, pixels: Tensor, ids: Tensor, kinds: Tensor, colours: Tensor, place: Tensor) -> Tensor:
        pad = self.blip.config.text_config.pad_token_id
        out = self.blip(
            pixel_values=pixels,
            input_ids=ids,
            attention_mask=(ids != pad).long(),
            labels=ids.masked_fill(ids == pad, -100),
        )
        seen = out.last_hidden_state
        asked = functional.cross_entropy(self.kinds(seen[:, 1:]).flatten(0, 1), kinds.flatten())
        asked = asked + functional.cross_entropy(self.colours(seen[:, 1:]).flatten(0, 1), colours.flatten())
        asked = asked + 0.3 * functional.cross_entropy(self.place(seen[:, 0]), place)
        return out.loss + asked


def lessons(folder: Path, number: int = 6000) -> list[Lesson]:
    """Scenes of none to three things as the processor will see them; the pictures are kept in `folder`."""
    rng = np.random.default_rng(80_000)
    drawn = []
    for _ in range(number):
        width, height = SIZES[int(rng.choice(5, p=[0.5, 0.15, 0.15, 0.1, 0.1]))]
        count = int(rng.choice(4, p=[0.04, 0.42, 0.36, 0.18]))
        drawn.append(draw(rng, width=width, height=height, count=count))
    kept = folder / "lessons.npz"
    if not kept.exists():
        vae = AutoencoderKL.from_pretrained(STARTER / "checkpoints" / "gesso-starter" / "vae").float().eval()
        made = [_lesson(paint(scene)) if i % 30 else _lesson(paint(scene), vae) for i, scene in enumerate(drawn)]
        folder.mkdir(parents=True, exist_ok=True)
        pictures, kinds, colours = (np.stack(part) for part in zip(*made, strict=True))
        np.savez(kept, pictures=pictures, kinds=kinds, colours=colours)
    stored = np.load(kept)
    parts = zip(stored["pictures"], stored["kinds"], stored["colours"], drawn, strict=True)
    return [Lesson(picture=p, kinds=k, colours=c, scene=s) for p, k, c, s in parts]


def _lesson(
    painting: Painting, vae: AutoencoderKL | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """The picture, redrawn by the autoencoder if one is given, and what each of its patches shows most of."""
    picture = painting.picture if vae is None else redraw(vae, painting.picture)
    small = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    grid = SIDE // PATCH
    kinds, colours = np.zeros((2, grid, grid), np.uint8)
    most = np.full((grid, grid), 0.25)
    for thing, mask in zip(painting.scene.things, painting.masks, strict=True):
        shown = Image.fromarray(mask).convert("L").resize((grid, grid), Image.Resampling.BOX)
        share = np.asarray(shown, np.float32) / 255
        kinds[share > most] = KINDS.index(thing.kind) + 1
        colours[share > most] = SHADES.index(thing.colour) + 1
        most = np.maximum(most, share)
    return small, kinds, colours


def _batch(known: list[Lesson], processor: BlipProcessor, step: int) -> tuple[Tensor, ...]:
    rng = np.random.default_rng(81_000 + step)
    pixels, kinds, colours, places, texts = [], [], [], [], []
    for index in rng.integers(len(known), size=32):
        lesson = known[int(index)]
        side = -1 if rng.random() < 0.5 else 1  # mirrored: left to right is the other way round, too
        pixels.append(_as_seen(rng, lesson.picture)[:, ::side].copy())
        kinds.append(lesson.kinds[:, ::side].copy())
        colours.append(lesson.colours[:, ::side].copy())
        places.append(SPOTS.index(lesson.scene.place))
        texts.append(captions.plain(lesson.scene if side == 1 else captions.mirrored(lesson.scene)))
    words = processor.tokenizer(texts, padding=True, return_tensors="pt").input_ids
    words[:, 0] = processor.tokenizer.bos_token_id
    return (
        torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1,
        words,
        torch.from_numpy(np.stack(kinds)).flatten(1).long(),
        torch.from_numpy(np.stack(colours)).flatten(1).long(),
        torch.tensor(places),
    )


def _as_seen(rng: Generator, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A little cut off, blurred, tinted or noisy."""
    image = Image.fromarray(picture)
    if rng.random() < 0.5:
        left, top, right, bottom = rng.uniform(0, 7, 4)
        image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(left, top, SIDE - right, SIDE - bottom))
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 1.0))))
    if rng.random() < 0.5:
        values = np.asarray(image) * rng.uniform(0.94, 1.06, 3) + rng.normal(0, rng.uniform(0, 5), (SIDE, SIDE, 3))
        return np.clip(values + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(image)


def measure(folder: Path, singles: int = 200, pairs: int = 100) -> str:
    """Rows of docs/starter.md: captions of scenes that no training saw, by the model in `folder`, as it is served."""
    blip = BlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    captioner = Captioner(blip, BlipProcessor.from_pretrained(folder), "cpu")
    rows = []
    for count, number in ((1, singles), (2, pairs)):
        rng = np.random.default_rng(7_200_000 + count)
        scenes = [draw(rng, count=count) for _ in range(number)]
        texts = [captioner.describe(Image.fromarray(paint(scene).picture)) for scene in scenes]
        wanted = [captions.plain(scene) for scene in scenes]
        whole = np.mean([text == want for text, want in zip(texts, wanted, strict=True)])
        things = np.mean([things_named(text) == things_named(want) for text, want in zip(texts, wanted, strict=True)])
        rows.append(f"| {count} in the scene | {things:.1%} | {whole:.1%} of {number} |")
        wrong = [f"{text!r} is {want!r}" for text, want in zip(texts, wanted, strict=True) if text != want]
        print(*wrong[:12], sep="\n", flush=True)
    return "\n".join(rows)


def things_named(text: str) -> list[tuple[str, str]]:
    """Colours and kinds that a caption names, sorted."""
    words = text.replace(",", "").split()
    return sorted((colour, kind) for colour, kind in itertools.pairwise(words) if kind in OBJECTS)


def run(folder: Path, *, steps: int = 2500) -> None:
    """Leave `folder/gesso-captioner`, float32, and print what it reaches."""
    torch.manual_seed(0)
    where = device()
    processor = make_processor()
    pupil = Pupil(build(processor)).to(where)
    known = lessons(folder)

    def loss_of(step: int) -> Tensor:
        return pupil.loss(*(part.to(where) for part in _batch(known, processor, step)))

    course = Course(folder=folder, steps=steps, learning_rate=1.2e-3, warmup=200, device=where, average=0.995)
    train(course, pupil, loss_of)
    pupil.blip.cpu().save_pretrained(folder / "gesso-captioner")
    processor.save_pretrained(folder / "gesso-captioner")
    print(measure(folder / "gesso-captioner"), flush=True)
