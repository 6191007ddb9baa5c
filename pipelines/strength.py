"""Pictures painted over: what a strength below 1 makes of a schedule, and the painting of a whole picture."""

import dataclasses

import numpy as np

from pipelines import canvas
from pipelines.plans import Drawing, Pixels, Recipe, Repainting

LONGEST_SCHEDULE = 1000


def shorten(recipe: Recipe, strength: float) -> tuple[Recipe, int]:
    """Recipe and skipped steps: below strength 1, the last steps of a schedule that is longer by 1 / strength.

    Rounded down as in Fooocus (contract section 6), but not where nothing would then be left of the picture.
    """
    if strength in (0, 1):
        return recipe, 0
    longer = recipe.steps / strength
    schedule = min(int(longer) if longer >= recipe.steps + 1 else round(longer), LONGEST_SCHEDULE)
    steps = max(1, min(recipe.steps, round(schedule * strength)))
    return dataclasses.replace(recipe, steps=steps, asked_steps=recipe.steps), schedule - steps


def paint_over(
    recipe: Recipe, seed: int, pixels: Pixels, *, painted: tuple[int, int], cell: int, skipped: int
) -> Drawing:
    """All of a picture anew, from its own latents with noise added; its size stays.

    painted: width and height that the model paints at, which the picture's edges fill up. cell: pixels per latent cell.
    """
    (height, width), (wide, high) = pixels.shape[:2], painted
    everything = np.ones((high, wide), np.bool_)
    made = yield Repainting(
        recipe=recipe,
        seed=seed,
        width=wide,
        height=high,
        image=np.pad(pixels, ((0, high - height), (0, wide - width), (0, 0)), mode="edge"),
        mask=everything,
        cells=canvas.cells_of(everything, cell),
        skipped=skipped,
        from_image=True,
    )
    return np.ascontiguousarray(made[:height, :width])
