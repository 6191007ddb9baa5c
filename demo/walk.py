"""The four calls, each checked as far as numbers can tell."""

import base64
import io
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from demo.site import Site, Wrong
from masking.shape import grow

OBJECT, OTHER, PLACE = "a pink house", "a blue house", "in the snow"
SEED = 7
GROWN = 8
"""Pixels that the mask is grown by, so that nothing of the old object is left at its edge."""
KNOWN = 31
"""Up to this value a mask leaves a pixel as it is (contract, section 0)."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """One call's picture: what was asked, how long it took, where it is."""

    title: str
    words: str
    seconds: float
    picture: Image.Image
    file: Path
    url: str


def walk(site: Site, mask_file: Path) -> list[Made]:
    """Text to image, mask, inpaint, outpaint. Raises Wrong at the first that is not as it must be."""
    first = _paint(site, "Text to image", f"{OBJECT} {PLACE}", prompt=f"{OBJECT} {PLACE}")
    mask = _mask(site, first, mask_file)
    second = _paint(
        site,
        "Inpaint",
        f"{OTHER} instead",
        prompt=PLACE,
        inpaint_additional_prompt=OTHER,
        inpaint_input_image=first.url,
        inpaint_mask_image_upload=base64.b64encode(mask.file.read_bytes()).decode(),
        inpaint_erode_or_dilate=GROWN,
    )
    _check_inpaint(first.picture, mask.picture, second.picture)
    third = _paint(
        site,
        "Outpaint",
        "more to the left and below",
        prompt=PLACE,
        inpaint_input_image=second.url,
        outpaint_selections=["Left", "Bottom"],
    )
    _check_outpaint(second.picture, third.picture)
    return [first, mask, second, third]


def _paint(site: Site, title: str, words: str, **fields: object) -> Made:
    """One call of the engine, whose picture must be the same on disk and by its URL."""
    started = time.perf_counter()
    said = site.post("/v1/engine/generate", image_seed=SEED, output_format="png", **fields)
    seconds = time.perf_counter() - started
    if len(said["result"]) != 1:
        raise Wrong(f"{title}: one picture was asked for, and {len(said['result'])} came.")
    url = said["result"][0]
    content = site.get(url)
    if site.file(url).read_bytes() != content:
        raise Wrong(f"{title}: {url} is not what lies in {site.file(url)}.")
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    return _told(Made(title=title, words=words, seconds=seconds, picture=picture, file=site.file(url), url=url))


def _mask(site: Site, of: Made, file: Path) -> Made:
    """The mask of what stands out, kept beside the pictures; neither nothing nor everything."""
    started = time.perf_counter()
    content = base64.b64decode(site.post("/v1/tools/generate_mask", image=of.url))
    seconds = time.perf_counter() - started
    mask = Image.open(io.BytesIO(content)).convert("L")
    share = float((np.asarray(mask) > 127).mean())
    if mask.size != of.picture.size:
        raise Wrong(f"Mask: it measures {mask.size}, and its picture {of.picture.size}.")
    if not 0.001 < share < 0.9:
        raise Wrong(
            f"Mask: {share:.1%} of the picture are masked; an object covers more than nothing and less than all."
        )
    file.write_bytes(content)
    url = f"{site.url}/outputs/{file.parent.name}/{file.name}"
    return _told(Made(title="Mask", words="what stands out", seconds=seconds, picture=mask, file=file, url=url))


def _check_inpaint(before: Image.Image, mask: Image.Image, after: Image.Image) -> None:
    known = np.asarray(grow(mask, GROWN)) <= KNOWN
    if before.size != after.size:
        raise Wrong(f"Inpaint: the picture measured {before.size} and now measures {after.size}.")
    changed = (np.asarray(before) != np.asarray(after)).any(axis=2)
    if (changed & known).any():
        raise Wrong(f"Inpaint: {int((changed & known).sum())} pixels outside the mask are not as they were.")
    if not changed.any():
        raise Wrong("Inpaint: nothing inside the mask is new.")


def _check_outpaint(before: Image.Image, after: Image.Image) -> None:
    width, height = before.size
    left, bottom = width // 3, height // 3
    if after.size != (width + left, height + bottom):
        raise Wrong(f"Outpaint: {before.size} should have become {(width + left, height + bottom)}, not {after.size}.")
    if not np.array_equal(np.asarray(after.crop((left, 0, left + width, height))), np.asarray(before)):
        raise Wrong("Outpaint: the old picture inside the new one is not as it was.")


def _told(made: Made) -> Made:
    print(f"  {made.title:15}{made.words:32}{made.seconds:6.1f} s\n    {made.file}\n    {made.url}", flush=True)
    return made
