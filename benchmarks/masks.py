"""What a second question about a picture costs beside the first: clicks, boxes and words, over HTTP.

The models are as large as SAM's ViT-B and GroundingDINO's Swin-T, with random weights: their speed is the real one,
what they find says nothing. Every case has pictures of its own; the arms take turns, and medians are compared.
"""

import base64
import contextlib
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from demo.site import Site, serving

WIDTH, HEIGHT = 1024, 768
PLACES = [[200 * x + 40, 180 * y + 30, 200 * x + 190, 180 * y + 160] for x in range(4) for y in range(4)]
FEW = {"sam_max_detections": 1, "box_threshold": 0.0}

Ask = Callable[..., object]
"""Posts the fields to `/v1/tools/generate_mask`, `image` among them as base64."""
Times = dict[str, list[float]]
"""Seconds of each case, by arm."""

COMPARED = (
    ("second click", "first click", "≤ 0.15, stretch 0.05"),
    ("box after clicks", "first click", "≤ 0.15, stretch 0.05"),
    ("new words, masks", "first words, masks", "≤ 0.6, stretch 0.45"),
    ("new words, boxes alone", "first words, boxes alone", "≤ 0.6, stretch 0.45"),
    ("16 boxes", "one box", "≤ 2, stretch 1.3"),
)
"""An arm, what it is compared with, and the goal of the ratio."""


def run(*, cases: int = 2) -> None:
    """cases: rounds; one takes two minutes on two quiet cores, and another one goes before them."""
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        write_models(models)
        where = ["--models-path", str(models), "--output-path", f"{folder}/outputs", "--input-path", f"{folder}/inputs"]
        with serving(where, Path(folder) / "outputs") as site:
            print(table(measure(_asking(site), cases), cases))


def _asking(site: Site) -> Ask:
    def ask(**fields: object) -> object:
        with contextlib.redirect_stdout(io.StringIO()):  # random weights find a hundred things everywhere
            return site.post("/v1/tools/generate_mask", sam_model="sam", dino_model="dino", **fields)

    return ask


def write_models(models: Path) -> None:
    """`sam/sam` and `grounding_dino/dino` in transformers' format."""
    import torch
    from transformers import (
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessor,
        GroundingDinoProcessor,
        SamConfig,
        SamImageProcessor,
        SamModel,
    )

    from training.phrases import make_tokenizer

    torch.manual_seed(0)
    SamModel(SamConfig()).save_pretrained(models / "sam" / "sam")
    SamImageProcessor().save_pretrained(models / "sam" / "sam")
    folder = models / "grounding_dino" / "dino"
    GroundingDinoForObjectDetection(GroundingDinoConfig()).save_pretrained(folder)
    GroundingDinoProcessor(GroundingDinoImageProcessor(), make_tokenizer(folder)).save_pretrained(folder)


def measure(ask: Ask, cases: int) -> Times:
    """Every arm once per case, after a question that does not count, for which the models are loaded."""
    ask(**dict(_arms(cases))["first words, masks"])
    times: Times = {}
    for case in range(cases):
        for arm, fields in _arms(case):
            began = time.perf_counter()
            ask(**fields)
            times.setdefault(arm, []).append(time.perf_counter() - began)
    return times


def _arms(case: int) -> list[tuple[str, dict[str, object]]]:
    """In the order in which they must be asked: what is first of a picture before what comes again."""
    clicked, told, one, many = (picture(4 * case + i) for i in range(4))
    boxes_alone: dict[str, object] = {"image": clicked, "dino_debug": True, **FEW}
    return [
        ("first words, boxes alone", {"dino_prompt_text": "red ball", **boxes_alone}),
        ("new words, boxes alone", {"dino_prompt_text": "green tree", **boxes_alone}),
        ("first click", {"image": clicked, "points": [[300, 200]]}),
        ("second click", {"image": clicked, "points": [[600, 400]]}),
        ("box after clicks", {"image": clicked, "boxes": PLACES[5:6]}),
        ("first words, masks", {"image": told, "dino_prompt_text": "red ball", **FEW}),
        ("new words, masks", {"image": told, "dino_prompt_text": "green tree", **FEW}),
        ("one box", {"image": one, "boxes": PLACES[:1]}),
        ("16 boxes", {"image": many, "boxes": PLACES}),
    ]


def picture(number: int) -> str:
    """Base64 of a PNG that is like no other number's."""
    coarse = np.random.default_rng((7, number)).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def table(times: Times, cases: int) -> str:
    lines = [f"{cases} cases, pictures of {WIDTH}×{HEIGHT}\n"]
    lines += ["| what | median | beside | median | ratio | goal |", "|---|---|---|---|---|---|"]
    for arm, other, goal in COMPARED:
        ours, theirs = median(times[arm]), median(times[other])
        lines.append(f"| {arm} | {ours:.2f} s | {other} | {theirs:.2f} s | {ours / theirs:.2f} | {goal} |")
    return "\n".join(lines)
