"""From a request whose plan is made to an order for the queue, and from a task's row to the same order again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from configs.settings import Settings
from pipelines.plans import Plan
from server.api.fooocus import dispatch, later
from server.api.fooocus.label import Label
from server.api.fooocus.request import GenerateRequest
from server.hashes import Hashes
from server.order import Order
from server.outputs import Format
from server.proxy import base_url
from server.store import TaskRow


def order(
    asked: GenerateRequest,
    pictures: Mapping[str, Path],
    plan: Plan,
    *,
    settings: Settings,
    hashes: Hashes,
    webhook_url: str | None,
    owner: str = "",
) -> Order:
    """What the queue gets. pictures: the stored inputs by field. owner: who asks. Raises InvalidValue (save_name)."""
    labelled = asked.save_metadata_to_images and not settings.disable_metadata
    return Order(
        plan=plan,
        asked=dispatch.shown(asked, dict(pictures), base_url(settings)),
        form="jpeg" if asked.output_format == "jpg" else asked.output_format,
        save_name=dispatch.save_name(asked),
        label=Label(asked=asked, pictures=pictures, plan=plan, settings=settings, hashes=hashes) if labelled else None,
        grid=asked.generate_image_grid,
        warnings=tuple(later.warnings(asked)),
        webhook_url=webhook_url,
        base_url=base_url(settings),
        previews=not asked.disable_preview and not asked.black_out_nsfw,
        restore={"request": _without_pictures(asked), "pictures": {name: str(p) for name, p in pictures.items()}},
        owner=owner,
        inputs=frozenset(path.name for path in pictures.values()),
    )


def again(row: TaskRow, settings: Settings, hashes: Hashes) -> Order:
    """The order that a task's row was made from. Raises ValueError where an older version wrote it otherwise."""
    if not row.restore:
        raise ValueError("an older version of the server kept too little of it")
    plan = Plan.from_json(row.plan)
    asked = GenerateRequest.model_validate(row.restore["request"])
    pictures = {name: Path(path) for name, path in row.restore["pictures"].items()}
    label = Label(asked=asked, pictures=pictures, plan=plan, settings=settings, hashes=hashes)
    return Order(
        plan=plan,
        asked=row.asked,
        form=cast(Format, row.form),
        save_name=row.save_name,
        label=label if row.keep_metadata else None,
        grid=row.grid,
        warnings=tuple(row.warnings),
        webhook_url=row.webhook_url,
        base_url=row.base_url,
        previews=row.previews,
        restore=row.restore,
        owner=row.owner,
        inputs=frozenset(path.name for path in pictures.values()),
    )


def _without_pictures(asked: GenerateRequest) -> dict[str, Any]:
    """The fields that were sent; the pictures among them lie in the inputs folder."""
    fields = asked.model_fields_set & set(type(asked).model_fields) - set(dispatch.IMAGE_FIELDS)
    return asked.model_dump(mode="json", include=fields, exclude={"controlnet_image": {"__all__": {"cn_img"}}})
