"""`POST /v1/tools/read-metadata`: what a picture tells of how it was made, and the request that would make it again."""

import asyncio
import io
import json
import math
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Response
from PIL import Image as PillowImage
from pydantic import BaseModel, Field, TypeAdapter

from configs.settings import Settings
from masking.errors import InvalidValue, UnreadableImage
from pipelines import checkpoints
from server import embedded, metadata
from server.api.fooocus import later
from server.api.fooocus.label import FORM
from server.api.fooocus.request import GenerateRequest, Image, Wire
from server.embedded import Texts
from server.errors import REFUSALS, InputMissing
from server.inputs import is_given
from server.metadata import Facts
from server.parts import Parts, TheParts
from server.pictures import BROKEN, FORMATS, check_size, refuse_at_sight
from server.proxy import base_url

router = APIRouter(tags=["FooocusAPI"])


class MetadataRequest(Wire):
    """A picture file as it was made: what was cut, saved or sent on by other programs has often lost its metadata."""

    image: Image


class Reading(BaseModel):
    """What a picture tells. `metadata` has the scheme's facts by plain names; None where it has no such text."""

    scheme: Annotated[str | None, Field(description="fooocus or a1111")]
    parameters: Annotated[str, Field(description="the scheme's text as it stands in the file")]
    metadata: dict[str, Any]
    request: Annotated[dict[str, Any], Field(description="for POST /v1/engine/generate")]
    exact: Annotated[bool, Field(description="whether that request makes the same pixels")]
    warnings: list[str]


@router.post("/v1/tools/read-metadata", responses=REFUSALS)
async def read_metadata(asked: MetadataRequest, parts: TheParts, response: Response) -> Reading:
    """What a PNG, JPEG or WEBP tells of how it was made: Gesso's, Fooocus's or AUTOMATIC1111's metadata."""
    if not is_given(asked.image):
        raise InvalidValue("image is missing.", field="image")
    content = await parts.inputs.content(str(asked.image), "image")
    reading = await asyncio.to_thread(_read, content, parts)
    reading.warnings = [*later.unknown_fields(asked), *reading.warnings]
    return reading


def _read(content: bytes, parts: Parts) -> Reading:
    """Raises UnreadableImage, TooLarge, InvalidValue (it tells nothing), InputMissing."""
    texts = _texts(content)
    own = _own(texts.own)
    told = metadata.read(texts.parameters, texts.scheme or None)
    if own is None and told is None:
        raise InvalidValue("image carries no metadata that can be read.", field="image")
    scheme, facts = told or (None, Facts())
    known = {name: value for name, value in _json(facts).items() if value is not None}
    reading = Reading(scheme=scheme, parameters=texts.parameters, metadata=known, request={}, exact=False, warnings=[])
    if own is None:
        reading.request = _request(facts, parts.settings, reading.warnings)
        return reading
    reading.exact = own.get("made_alone") is True
    if not reading.exact:
        reading.warnings.append("The picture was not made with deterministic, so single pixels may differ a little.")
    return _with_request(reading, own, parts)


def _with_request(reading: Reading, own: dict[str, Any], parts: Parts) -> Reading:
    """The request out of Gesso's own text, its pictures as URLs. Raises InputMissing, which tells the reading, too."""
    request, fields = dict(own["request"]), GenerateRequest.model_fields
    if strange := sorted(set(request) - set(fields)):
        reading.warnings.append(f"This version does not know {', '.join(strange)[:300]}, and leaves that out.")
    reading.request = {name: value for name, value in request.items() if name in fields}
    missing = None
    for field, digest in own["inputs"].items():
        name = f"{Path(str(digest)).name}.png"
        reading.request[field] = parts.access.opened(f"{base_url(parts.settings)}/inputs/{name}")
        missing = missing or (None if (parts.inputs.folder / name).is_file() else (field, name))
    if missing:
        raise InputMissing(
            f"{missing[0]} of this picture's request is no longer kept: inputs/{missing[1]}. Send that picture again.",
            field=missing[0],
            more={**reading.model_dump(mode="json"), "exact": False},
        )
    return reading


def _texts(content: bytes) -> Texts:
    refuse_at_sight(content, "image")
    try:
        with PillowImage.open(io.BytesIO(content), formats=FORMATS) as picture:
            check_size(picture.size, "image")
            return embedded.find(picture)
    except BROKEN as error:
        raise UnreadableImage("image is no picture that can be read.", field="image") from error


def _own(text: str) -> dict[str, Any] | None:
    """Gesso's own text, None where there is none in a form that is known."""
    try:
        own = _tidy(json.loads(text))
    except (ValueError, RecursionError):
        return None
    right = isinstance(own, dict) and own.get("gesso") == FORM
    return own if right and isinstance(own.get("request"), dict) and isinstance(own.get("inputs"), dict) else None


def _tidy(value: Any) -> Any:
    """JSON from anywhere without what an answer cannot carry: halves of characters, numbers beyond all bounds."""
    if isinstance(value, dict):
        return {_tidy(key): _tidy(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(inner) for inner in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json(facts: Facts) -> dict[str, Any]:
    told: dict[str, Any] = _tidy(TypeAdapter(Facts).dump_python(facts, mode="python"))
    return told


def _request(facts: Facts, settings: Settings, warnings: list[str]) -> dict[str, Any]:
    """The nearest request to what another program tells. Values that cannot be sent are left out, which is told."""
    told = {
        "prompt": facts.prompt,
        "negative_prompt": facts.negative_prompt,
        "style_selections": None if facts.styles is None else list(facts.styles),
        "performance_selection": facts.performance,
        "aspect_ratios_selection": f"{facts.width}*{facts.height}" if facts.width and facts.height else None,
        "image_seed": facts.seed,
        "overwrite_step": facts.steps,
        "guidance_scale": facts.guidance_scale,
        "sharpness": facts.sharpness,
        "adaptive_cfg": facts.adaptive_cfg,
        "clip_skip": facts.clip_skip,
        "sampler_name": facts.sampler,
        "scheduler_name": facts.scheduler,
        "base_model_name": _file_name(facts.checkpoint, settings),
        "refiner_model_name": facts.refiner,
        "refiner_switch": facts.refiner_switch,
        "refiner_swap_method": facts.refiner_swap_method,
        "overwrite_switch": facts.overwrite_switch,
        "vae_name": facts.vae,
        "loras": [{"enabled": True, "model_name": _with_suffix(lora.name), "weight": lora.weight}
                  for lora in facts.loras or ()],
    }  # fmt: skip
    told |= dict(zip(("adm_scaler_positive", "adm_scaler_negative", "adm_scaler_end"), facts.adm or (), strict=False))
    if facts.freeu:
        told |= dict(zip(("freeu_b1", "freeu_b2", "freeu_s1", "freeu_s2"), facts.freeu, strict=True))
        told["freeu_enabled"] = True
    warnings.append("This is another program's metadata: the request makes a similar picture, not the same pixels.")
    if facts.styles is None:
        told["style_selections"] = []
        if facts.full_prompt and facts.prompt not in facts.full_prompt:
            warnings.append("Its scheme does not tell the styles; the prompt is as it was before they were laid round.")
    return _sendable({name: value for name, value in told.items() if value is not None}, warnings)


def _sendable(told: dict[str, Any], warnings: list[str]) -> dict[str, Any]:
    """The fields whose values `POST /v1/engine/generate` takes."""
    told = {name: _tidy(value) for name, value in told.items()}
    kept = {}
    for name, value in told.items():
        try:
            GenerateRequest.model_validate({name: value})
        except ValueError:
            warnings.append(f"{name} {str(value)[:80]!r} cannot be asked for here, and was left out.")
        else:
            kept[name] = value
    return kept


def _file_name(checkpoint: str | None, settings: Settings) -> str | None:
    """A checkpoint's full name by its stem: an installed one's, or a known one's; else as a file of the usual kind."""
    if not checkpoint:
        return None
    known = [*checkpoints.installed(settings), *json.loads(checkpoints.KNOWN.read_text(encoding="utf-8"))]
    alike = [name for name in known if checkpoint == name or metadata.stem(checkpoint) == metadata.stem(name)]
    return alike[0] if alike else _with_suffix(checkpoint)


def _with_suffix(name: str) -> str:
    return name if metadata.stem(name) != name.replace("\\", "/").rpartition("/")[2] else f"{name}.safetensors"
