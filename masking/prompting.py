"""From prompts to the tensors that a SAM's decoder takes, and from its answers to guesses: the same for all of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from masking.segmenters import SURE, Embedding, Guesses, Prompt

if TYPE_CHECKING:
    from torch import Tensor

TOGETHER = 64
"""Prompts that go through the decoder at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """Prompts of one form, in pixels of what the model saw.

    boxes: prompt × 4. points: prompt × point × 2, labels: prompt × point (1 object, 0 not). earlier: 1 × 1 × rows ×
    columns of logits.
    """

    boxes: "Tensor | None"
    points: "Tensor | None"
    labels: "Tensor | None"
    earlier: "Tensor | None"


def answers(
    prompts: Sequence[Prompt],
    embedding: Embedding,
    decode: Callable[[Asked], tuple[Any, Any]],
    enlarge: Callable[[Any], Any],
    *,
    canvas: tuple[int, int],
    grid: tuple[int, int],
    device: str,
) -> Iterator[Guesses]:
    """One Guesses per prompt, in order.

    decode: gives logits (prompt × guess × rows × columns) and scores (prompt × guess). enlarge: 1 × guess × rows ×
    columns of logits to the picture's size. canvas: (height, width) that the model takes, of which the picture fills
    `embedding.scaled`; grid: (rows, columns) of an earlier mask as it takes it.
    """
    import torch

    decoded: dict[int, tuple[Tensor, Tensor]] = {}
    with torch.inference_mode():
        for places in _alike(prompts):
            asked = _asked([prompts[at] for at in places], embedding, canvas, grid, device)
            logits, scores = decode(asked)
            decoded |= {at: (logits[i : i + 1], scores[i]) for i, at in enumerate(places)}
        for at in range(len(prompts)):
            logits, scores = decoded.pop(at)
            yield Guesses(logits=enlarge(logits)[0].float().cpu().numpy(), scores=scores.float().cpu().numpy())


def _alike(prompts: Sequence[Prompt]) -> list[list[int]]:
    """The places of prompts that may go through the decoder together, at most TOGETHER of them each."""
    forms: dict[tuple[object, ...], list[list[int]]] = {}
    for at, prompt in enumerate(prompts):
        alone = at if prompt.earlier else -1
        groups = forms.setdefault((prompt.box is None, len(prompt.points), alone), [[]])
        if len(groups[-1]) == TOGETHER:
            groups.append([])
        groups[-1].append(at)
    return [group for groups in forms.values() for group in groups]


def _asked(
    prompts: Sequence[Prompt], embedding: Embedding, canvas: tuple[int, int], grid: tuple[int, int], device: str
) -> Asked:
    import torch

    height, width = embedding.scaled
    scale = np.asarray([width / embedding.width, height / embedding.height])
    boxes = points = labels = None
    if prompts[0].box is not None:
        corners = np.asarray([prompt.box for prompt in prompts]).reshape(-1, 2, 2) * scale
        boxes = torch.as_tensor(corners.reshape(-1, 4), dtype=torch.float32, device=device)
    if prompts[0].points:
        places = np.asarray([[(x, y) for x, y, _ in prompt.points] for prompt in prompts]) * scale
        points = torch.as_tensor(places, dtype=torch.float32, device=device)
        labels = torch.as_tensor([[label for _, _, label in prompt.points] for prompt in prompts], device=device).int()
    return Asked(
        boxes=boxes, points=points, labels=labels, earlier=_earlier(prompts[0], embedding, canvas, grid, device)
    )


def _earlier(
    prompt: Prompt, embedding: Embedding, canvas: tuple[int, int], grid: tuple[int, int], device: str
) -> "Tensor | None":
    """An earlier mask as logits of SURE at most on the decoder's own grid; it has nothing beyond the picture."""
    import torch
    from torch.nn.functional import interpolate

    if prompt.earlier is None:
        return None
    height, width = embedding.scaled
    seen = torch.full((1, 1, *canvas), -SURE)
    shares = torch.from_numpy(np.array(prompt.earlier.convert("L"), np.float32))[None, None] / 255
    shares = interpolate(shares, (height, width), mode="bilinear", antialias=True)
    seen[..., :height, :width] = (2 * shares - 1) * SURE
    return interpolate(seen, grid, mode="bilinear", antialias=True).to(device)
