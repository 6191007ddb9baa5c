"""The denoising loop: requests share forward passes, each with its own sampler, noise, steps and guidance."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from pipelines.families import Model, Sample, Sampling, Start, Words
from pipelines.guidance import guide
from pipelines.plans import Painting, Pixels
from pipelines.pulse import Pulse

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Stroke:
    """What one pass did for one request: step `step` of `steps` is done (from 1); the last one brings the picture.

    lost: the end of the prompt that the model could not read, "" if it read all. denoised: what the model takes for the
    clean latents by now (channels × rows × columns), where the request is watched.
    """

    ticket: int
    step: int
    steps: int
    picture: Pixels | None
    lost: str
    denoised: "Tensor | None" = None


@dataclass(kw_only=True, eq=False)
class _Request:
    ticket: int
    painting: Painting
    sampler: Sampling
    generator: "Generator"
    words: Words
    start: Start
    latents: "Tensor"
    watched: bool
    denoised: "Tensor | None" = None
    done: int = 0
    waited_since: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        """What must agree for two requests to go through the model together."""
        alone = self.ticket if self.painting.recipe.deterministic else -1
        words, recipe = self.words.embedding.shape[1:], self.painting.recipe
        return alone, self.painting.width, self.painting.height, words, recipe.loras


class Engine:
    """Runs the loops of many requests on one model, `max_batch` of them in one forward pass.

    A request that is `deterministic` always has its passes for itself. One request alone gives, on a CPU, exactly what
    diffusers' stock pipeline gives; in company its numbers may differ by rounding.
    """

    def __init__(self, model: Model, *, max_batch: int = 1, pulse: Pulse | None = None) -> None:
        self._model, self._max_batch = model, max_batch
        self._pulse = pulse or Pulse()
        self._denoised = model.denoised()
        self._running: list[_Request] = []
        self._tickets, self._passes = count(), count()

    def admit(self, painting: Painting, *, watched: bool = False) -> int:
        """Take a request in; it joins at the next step. The number returned marks its strokes."""
        import torch

        model = self._model
        self._pulse.enter("encode", painting.width * painting.height)
        with torch.inference_mode():
            sampler = model.sampling(painting)
            generator = torch.Generator("cpu").manual_seed(painting.seed)
            words = model.encode_prompt(painting)
            start = model.start(painting, sampler.diffusers, sampler.timesteps[0], generator)
        request = _Request(
            ticket=next(self._tickets),
            painting=painting,
            sampler=sampler,
            generator=generator,
            words=words,
            start=start,
            latents=start.latents,
            watched=watched,
            waited_since=next(self._passes),
        )
        self._running.append(request)
        return request.ticket

    def withdraw(self, ticket: int) -> None:
        """Forget a request; it leaves at the step boundary it has reached."""
        self._running = [request for request in self._running if request.ticket != ticket]

    @property
    def busy(self) -> bool:
        """Whether any request is still running."""
        return bool(self._running)

    def step(self) -> list[Stroke]:
        """One forward pass for those who have waited longest, and for whoever may share it; empty when nobody waits."""
        import torch

        if not self._running:
            return []
        group = self._next_group()
        now = next(self._passes)
        self._pulse.enter("step", sum(request.painting.width * request.painting.height for request in group))
        with torch.inference_mode():
            self._advance(group)
            strokes = [self._stroke(request) for request in group]
        for request in group:
            request.waited_since = now
        self._running = [request for request in self._running if request.done < len(request.sampler.timesteps)]
        return strokes

    def _next_group(self) -> list[_Request]:
        queue = sorted(self._running, key=lambda request: request.waited_since)
        return [request for request in queue if request.key == queue[0].key][: self._max_batch]

    def _advance(self, group: Sequence[_Request]) -> None:
        samples = [
            Sample(
                latents=request.sampler.diffusers.scale_model_input(request.latents, _timestep(request)),
                timestep=_timestep(request),
                words=request.words,
                conditions=request.start.conditions,
                painting=request.painting,
            )
            for request in group
        ]
        for request, sample, output in zip(group, samples, self._model.predict(samples), strict=True):
            guided = guide(output, sample, request.sampler.diffusers, request.painting.recipe)
            if request.watched:
                request.denoised = self._denoised(sample.latents, guided, sample.timestep)[0]
            request.latents = request.sampler.step(guided, _timestep(request), request.latents, request.generator)
            request.done += 1
            _restore_known(request)

    def _stroke(self, request: _Request) -> Stroke:
        steps, passes = request.painting.recipe.steps, len(request.sampler.timesteps)
        over = request.done == passes
        if over:
            self._pulse.enter("decode", request.painting.width * request.painting.height)
        return Stroke(
            ticket=request.ticket,
            step=steps if over else request.done * steps // passes,
            steps=steps,
            picture=self._model.decode(request.latents) if over else None,
            lost=request.words.lost,
            denoised=request.denoised,
        )


def _timestep(request: _Request) -> "Tensor":
    timestep: Tensor = request.sampler.timesteps[request.done]
    return timestep


def _restore_known(request: _Request) -> None:
    """Put what is known back at the noise level that the request has reached (none after its last step).

    A cell that is to be painted by degree is known until its share of the run is left.
    Levin and Fried, "Differential diffusion: giving each pixel its strength", 2023.
    """
    start = request.start
    if start.known is None or start.cells is None:
        return
    known, passes = start.known, len(request.sampler.timesteps)
    if request.done < passes:
        known = request.sampler.diffusers.add_noise(known, start.noise, _timestep(request)[None])
    left = 1 - request.done / passes
    free = ((start.cells > 0) & (start.cells >= left)).to(request.latents.dtype)
    request.latents = (1 - free) * known + free * request.latents
