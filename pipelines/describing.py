"""What a picture shows, in words: from what is asked to what will be done."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path

from configs.models import download_command
from configs.settings import Settings
from masking.errors import InvalidValue, ModelMissing
from pipelines import describers
from pipelines.describers import Installed, Kind


@dataclass(frozen=True, kw_only=True)
class DescribeAsked:
    """`image`: an upright 8-bit RGB PNG on disk. None = decide for me."""

    image: Path
    kind: Kind | None = None
    model: str | None = None


@dataclass(frozen=True, kw_only=True)
class DescribePlan:
    """`model`: an installed model's name. `warnings`: every fallback."""

    image: Path
    kind: Kind
    model: str
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"image": str(self.image)})

    @classmethod
    def from_json(cls, text: str) -> "DescribePlan":
        """The plan that `to_json` wrote."""
        kept = json.loads(text)
        return cls(**kept | {"image": Path(kept["image"]), "warnings": tuple(kept["warnings"])})


def resolve(asked: DescribeAsked, settings: Settings, usual: str) -> DescribePlan:
    """The plan; `usual` is the model that the preset expects for photos. A user's own model comes before Gesso's.

    Raises InvalidValue or ModelMissing, with the name of the field. Reads no pixel.
    """
    there = describers.installed(settings)
    if asked.model:
        model = _named(asked.model, there, settings)
        if asked.kind not in (None, model.kind):
            raise InvalidValue(
                f'describe_model "{model.name}" writes for image_type "{model.kind}", not "{asked.kind}".',
                field="describe_model",
            )
        return DescribePlan(image=asked.image, kind=model.kind, model=model.name)
    kind = asked.kind or "Photo"
    fitting = [model for model in there.values() if model.kind == kind]
    if not fitting:
        raise _missing(kind, settings)
    model = fitting[0]
    told: tuple[str, ...] = ()
    if not model.own and model.name != usual:
        told = (
            f'No captioner is installed in models/describe; "{model.name}" took its place, which knows nothing but '
            "the starter's picture-book world.",
        )
    return DescribePlan(image=asked.image, kind=kind, model=model.name, warnings=told)


def _named(name: str, there: Mapping[str, Installed], settings: Settings) -> Installed:
    if name in there:
        return there[name]
    known = describers.known()
    if name in known:
        told = f'describe_model "{name}" is not installed. Fetch it with: {download_command(name, settings)}'
        raise ModelMissing(told, field="describe_model")
    near = get_close_matches(name, [*there, *known], n=3, cutoff=0)
    raise InvalidValue(f'describe_model "{name}" does not exist. Near it: {", ".join(near)}.', field="describe_model")


def _missing(kind: Kind, settings: Settings) -> ModelMissing:
    """What to install for a kind of which nothing is there."""
    name = next(name for name, known in describers.known().items() if known.kind == kind)
    return ModelMissing(
        f'image_type "{kind}" needs a model that is not installed, {name}. '
        f"Fetch it with: {download_command(name, settings)}",
        field="image_type",
    )
