"""The names of the models that a request can ask for."""

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel

from pipelines import checkpoints, companions
from server.parts import TheParts

router = APIRouter(tags=["FooocusAPI"])


class AllModels(BaseModel):
    """Paths below `checkpoints/`, `loras/` and, ours, `embeddings/` of the model folders, with slashes; a diffusers
    folder is one name.
    """

    model_filenames: list[str]
    lora_filenames: list[str]
    embedding_filenames: list[str]


@router.get("/v1/engines/all-models")
async def all_models(parts: TheParts) -> AllModels:
    """What is installed at this moment; the folders are looked through anew."""
    models = await asyncio.to_thread(checkpoints.installed, parts.settings)
    loras = await asyncio.to_thread(companions.installed, "loras", parts.settings)
    embeddings = await asyncio.to_thread(companions.installed, "embeddings", parts.settings)
    return AllModels(
        model_filenames=sorted(models), lora_filenames=sorted(loras), embedding_filenames=sorted(embeddings)
    )
