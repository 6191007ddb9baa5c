"""Mask models. One file here per model, or per library that brings several; it is found by being here.

Such a file has a `library`: a `masking.shelf.Library[MaskModel]`. It imports heavy libraries inside its functions only.
"""

from typing import Protocol

from PIL import Image

from masking.plans import MaskPlan
from masking.shelf import Shelf


class MaskModel(Protocol):
    """A loaded model."""

    def mask(self, picture: Image.Image, plan: MaskPlan) -> Image.Image:
        """What stands out in an RGB picture: "L", same size, 255 = the object, soft edges; black if nothing does."""


shelf: Shelf[MaskModel] = Shelf(__name__, __path__, "mask model")
libraries, known, installed, load = shelf.libraries, shelf.known, shelf.installed, shelf.load
