"""Where a task's pictures end up: each in a file and then in a row, and all of them together on one sheet."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from configs.settings import LIMITS
from pipelines.events import Picture
from server import paths
from server.embedded import Texts
from server.outputs import Outputs, sweep
from server.search import searched
from server.store import PictureRow, Store

if TYPE_CHECKING:
    from server.order import Order


LIMITS_TOLD = f"{LIMITS.max_side} a side or {LIMITS.max_pixels / 1e6:.0f} megapixels"


class Keeper:
    """Reserves a name, writes the file, then says in the row that it is there: a kill leaves neither a file that no row
    names nor a row that shows a file which is not there. All methods block.
    """

    def __init__(self, store: Store, outputs: Outputs) -> None:
        self._store = store
        self._outputs = outputs

    def settle(self) -> None:
        """Clear up after a kill: names whose files are there (whole, for they appear at once) count, others do not."""
        sweep(self._outputs.folder)
        for row in self._store.reserved_pictures():
            if (self._outputs.folder / row.day / row.file).is_file():
                self._store.picture_saved(row.day, row.file)
            else:
                self._store.release_picture(row.day, row.file)

    def keep(self, task_id: str, order: "Order", picture: Picture, texts: Texts) -> tuple[str, ...]:
        """Save a picture with the texts in it; what there is to warn of. Raises OSError."""
        image = Image.frombytes("RGB", (picture.width, picture.height), picture.image)
        report = asdict(picture.report) if picture.report else None
        return self._save(task_id, order, image, texts, index=picture.index, seed=picture.seed, report=report)

    def keep_grid(self, task_id: str, order: "Order") -> tuple[str, ...]:
        """Save one picture more that shows all of the task's, where it is asked for and there are several."""
        row = self._store.task(task_id) if order.grid else None
        if row is None or len(row.pictures) < 2 or row.pictures[-1].position == len(order.plan.shots):
            return ()
        root = self._outputs.folder
        found = (paths.picture_file(root / kept.day, root, kept.file) for kept in row.pictures)
        files = [path for path in found if path]
        if len(files) < 2:
            return ()
        sheet, scale = grid(files)
        texts = order.label(None) if order.label else Texts()
        warnings = self._save(task_id, order, sheet, texts, index=None, seed=row.pictures[0].seed)
        if scale == 1:
            return warnings
        return (*warnings, f"The grid's pictures were made smaller: all in full size are more than {LIMITS_TOLD}.")

    def _save(
        self,
        task_id: str,
        order: "Order",
        image: Image.Image,
        texts: Texts,
        *,
        index: int | None,
        seed: int,
        report: dict[str, Any] | None = None,
    ) -> tuple[str, ...]:
        position = len(order.plan.shots) if index is None else index
        reserved: list[tuple[str, str]] = []

        def reserve(day: str, file: str) -> None:
            reserved.append((day, file))
            self._store.reserve_picture(
                PictureRow(
                    task_id=task_id,
                    position=position,
                    day=day,
                    file=file,
                    seed=seed,
                    width=image.width,
                    height=image.height,
                    prompt=order.plan.recipe.prompt,
                    kind=order.plan.kind,
                    words=searched(order.plan.effective, order.save_name),
                    report=report,
                )
            )

        try:
            saved = self._outputs.save(
                image,
                form=order.form,
                texts=texts,
                name=f"{order.save_name}-{'grid' if index is None else index}" if order.save_name else None,
                reserve=reserve,
            )
        except OSError:
            for name in reserved:
                self._store.release_picture(*name)
            raise
        self._store.picture_saved(saved.day, saved.file)
        return saved.warnings


def grid(files: Sequence[Path]) -> tuple[Image.Image, float]:
    """Pictures of one size in rows from the left, as many columns as rows or one more; black where none is left.

    With it the factor, at most 1, by which each was made smaller to keep the whole within `configs.settings.LIMITS`.
    """
    columns = math.ceil(math.sqrt(len(files)))
    rows = math.ceil(len(files) / columns)
    with Image.open(files[0]) as first:
        width, height = first.size
    whole = (columns * width, rows * height)
    scale = min(1.0, LIMITS.max_side / max(whole), math.sqrt(LIMITS.max_pixels / (whole[0] * whole[1])))
    cell = (max(1, int(width * scale)), max(1, int(height * scale)))
    sheet = Image.new("RGB", (columns * cell[0], rows * cell[1]))
    for number, file in enumerate(files):
        with Image.open(file) as picture:
            shown = picture.convert("RGB")
        place = (number % columns * cell[0], number // columns * cell[1])
        sheet.paste(shown if shown.size == cell else shown.resize(cell, Image.Resampling.LANCZOS), place)
    return sheet, scale
