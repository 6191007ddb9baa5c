"""`inpaint_mask_prompt`: the mask of an inpaint, made of words before the task is decided, and kept like a sent one."""

import asyncio
import io
import json
from pathlib import Path

from PIL import Image

from masking.asked import MaskAsked
from masking.errors import GessoError, InvalidValue
from masking.made import unpacked
from masking.planning import resolve
from pipelines import planning, presets
from server.api.fooocus.masks import usual
from server.api.fooocus.request import GenerateRequest
from server.parts import Parts
from server.tools import use

FIELD = "inpaint_mask_prompt"


async def add_mask(pictures: dict[str, Path], request: GenerateRequest, parts: Parts) -> tuple[str, ...]:
    """Put the mask that words ask for among an inpaint's pictures; what there is to tell of it. See `mask`.

    A mask that is sent counts instead of words.
    """
    if "inpaint_input_image" not in pictures or "inpaint_mask_image_upload" in pictures:
        return ()
    if not request.inpaint_mask_prompt.strip():
        return ()
    made, told = await mask(request, pictures["inpaint_input_image"], parts)
    pictures["inpaint_mask_image_upload"] = made
    return told


async def mask(request: GenerateRequest, image: Path, parts: Parts) -> tuple[Path, tuple[str, ...]]:
    """The mask's file among the inputs, white = what the words name, and what there is to tell of it.

    It does not wait for the end of a task that is being painted. Raises InvalidValue where the words name nothing in
    the picture, ModelMissing or BrokenModel.
    """
    name = request.sent("preset")
    chosen = parts.settings.preset if name in (None, "", "initial") else str(name)
    preset = await asyncio.to_thread(presets.load, chosen, planning.user_folder(parts.settings))
    words = MaskAsked(image=image, mask_model="sam", dino_prompt_text=request.inpaint_mask_prompt)
    try:
        plan = await asyncio.to_thread(resolve, words, parts.settings, usual(preset))
        done = await use("objects", plan.to_json(), parts.backend)
    except GessoError as error:
        error.field = FIELD
        raise
    made = unpacked(done.content, json.loads(done.facts))
    if not made.things:
        raise InvalidValue(
            f"Nothing in the picture answers {FIELD} {request.inpaint_mask_prompt[:80]!r}: say it in other words, or "
            "send inpaint_mask_image_upload.",
            field=FIELD,
        )
    path = await parts.inputs.put(await asyncio.to_thread(_png, made.mask), FIELD, mask=True)
    return path, (*plan.warnings, *made.warnings)


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()
