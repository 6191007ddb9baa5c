"""What a picture shows, in words (UTF-8)."""

from typing import TYPE_CHECKING

from PIL import Image

from masking.errors import ModelMissing
from pipelines import describers
from pipelines.describing import DescribePlan
from pipelines.tools import Done

if TYPE_CHECKING:
    from pipelines.studio import Studio


class Describe:
    def run(self, plan_json: str, studio: "Studio") -> Done:
        plan = DescribePlan.from_json(plan_json)
        describer = describer_of(plan.model, studio)
        with Image.open(plan.image) as picture:
            return Done(content=describer.describe(picture.convert("RGB")).encode())


def describer_of(name: str, studio: "Studio") -> describers.Describer:
    """The describer of that name, loaded. Raises ModelMissing or BrokenModel."""
    found = describers.installed(studio.settings).get(name)
    return studio.held.get(("describer", name), lambda: _load(name, studio), file=found.folder if found else None)


def _load(name: str, studio: "Studio") -> describers.Describer:
    found = describers.installed(studio.settings).get(name)
    if found is None:
        raise ModelMissing(f'The folder of describe_model "{name}" is not there any more.', field="describe_model")
    return describers.libraries()[found.library].load(found.folder, studio)


tool = Describe()
