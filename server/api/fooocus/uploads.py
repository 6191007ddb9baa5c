"""`POST /v1/inputs`: pictures as files, for clients that would rather not send base64."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Request, UploadFile
from PIL import Image
from pydantic import BaseModel

from masking.errors import InvalidValue
from server.errors import REFUSALS
from server.parts import Parts, TheParts
from server.proxy import base_url

router = APIRouter(tags=["Files"])

FILES = File(description="one or several pictures")
REFUSED: dict[int | str, dict[str, Any]] = {413: REFUSALS[413]}


class Upload(BaseModel):
    """A picture that is kept. url: what any field of a picture takes. name: the file's, as it was sent.

    width, height: pixels, after it was turned upright.
    """

    url: str
    name: str
    sha256: str
    width: int
    height: int


@router.post("/v1/inputs", status_code=201, responses=REFUSED)
@router.post("/v1/inputs/", status_code=201, include_in_schema=False)
async def upload(files: Annotated[list[UploadFile], FILES], parts: TheParts, request: Request) -> list[Upload]:
    """Keep pictures, with the checks and limits that they have in a request; in the order they were sent.

    As `multipart/form-data`, each under the name `files`. The first that cannot be taken is the answer.
    """
    if others := sorted(set(await request.form()) - {"files"}):
        field = others[0][:80]
        raise InvalidValue(f"There is no field {field!r} here: send each picture under the name files.", field=field)
    return [await _kept(file, f"files[{place}]", parts) for place, file in enumerate(files)]


async def _kept(file: UploadFile, field: str, parts: Parts) -> Upload:
    path = await parts.inputs.put(await file.read(), field)
    with Image.open(path) as picture:
        width, height = picture.size
    url = parts.access.opened(f"{base_url(parts.settings)}/inputs/{path.name}")
    return Upload(url=url, name=(file.filename or "")[:200], sha256=path.stem, width=width, height=height)
