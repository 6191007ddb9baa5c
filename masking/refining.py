"""Better edges for a soft mask, as rembg does it: smooth ones in black and white, or every hair by alpha matting."""

import numpy as np
from PIL import Image

from masking.errors import InvalidValue
from masking.models.rembg import keep_threads
from masking.plans import MaskPlan, Matting

MOST = 2**22
"""Pixels of a picture for alpha matting, which takes a minute and 4 GiB for as many."""


def refined(picture: Image.Image, mask: Image.Image, plan: MaskPlan) -> tuple[Image.Image, tuple[str, ...]]:
    """The mask with what the plan asks for, and warnings. Raises InvalidValue for pictures too large for matting."""
    if plan.smooth:
        mask = _smooth(mask)
    for matting in plan.mattings:
        matted = _matted(picture, mask, matting)
        if matted is None:
            return mask, ("alpha_matting was not used: no pixel of the mask is surely the object.",)
        mask = matted
    return mask, ()


def _smooth(mask: Image.Image) -> Image.Image:
    keep_threads()
    from rembg.bg import post_process

    return Image.fromarray(post_process(np.array(mask)))


def _matted(picture: Image.Image, mask: Image.Image, matting: Matting) -> Image.Image | None:
    """The share of each pixel that is the object; None where nothing is sure to be it, or to be beside it."""
    if picture.width * picture.height > MOST:
        raise InvalidValue(
            f"alpha_matting takes pictures of at most {MOST / 1e6:.0f} megapixels; this one is "
            f"{picture.width}×{picture.height}.",
            field="alpha_matting",
        )
    keep_threads()
    from rembg.bg import alpha_matting_cutout

    try:
        cut = alpha_matting_cutout(picture, mask, matting.foreground, matting.background, matting.erode)
    except ValueError:  # pymatting's, for a trimap without foreground or without background
        return None
    return cut.getchannel("A")
