"""Models that can be loaded before anybody wants them, by kind and name."""

from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from masking import detectors, segmenters
from masking import models as mask_models
from masking.names import present
from masking.objects import Workshop
from masking.shelf import Shelf
from pipelines import describers, upscalers
from pipelines.tools.describe import describer_of

if TYPE_CHECKING:
    from pipelines.studio import Studio

Kind = Literal["checkpoint", "mask_model", "segmenter", "detector", "upscaler", "describer"]
KINDS = cast(tuple[Kind, ...], get_args(Kind))


def load(kind: Kind, name: str, studio: "Studio") -> None:
    """Make a model resident. Raises InvalidValue for a name of none, ModelMissing, NotSupported or BrokenModel."""
    settings = studio.settings

    def named(shelf: Shelf[Any]) -> str:
        return present(name, shelf.installed(settings), shelf.known(), "name", settings)

    workshop = Workshop(studio.held, settings, studio.device)
    if kind == "checkpoint":
        with studio.checkpoint(name) as easels:
            easels.easel()
    elif kind == "mask_model":
        studio.mask_model(named(mask_models.shelf))
    elif kind == "segmenter":
        workshop.segmenter(named(segmenters.shelf))
    elif kind == "detector":
        workshop.detector(named(detectors.shelf))
    elif kind == "upscaler":
        with studio.upscaler(present(name, sorted(upscalers.installed(settings)), (), "name", settings)):
            pass
    else:
        describer_of(present(name, sorted(describers.installed(settings)), (), "name", settings), studio)
