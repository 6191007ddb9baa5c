"""How much of a picture is painted anew: what a strength below 1 makes of a schedule."""

import dataclasses

from pipelines.plans import Recipe

LONGEST_SCHEDULE = 1000


def shorten(recipe: Recipe, strength: float) -> tuple[Recipe, int]:
    """Recipe and skipped steps: below strength 1, the last steps of a schedule that is longer by 1 / strength."""
    if strength in (0, 1):
        return recipe, 0
    schedule = min(int(recipe.steps / strength), LONGEST_SCHEDULE)
    steps = max(1, min(recipe.steps, round(schedule * strength)))
    return dataclasses.replace(recipe, steps=steps, asked_steps=recipe.steps), schedule - steps
