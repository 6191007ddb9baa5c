"""The denoising loop: requests share forward passes, each with its own sampler, noise, steps and guidance."""

import logging
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from masking.machine import Machine, is_out_of_memory
from pipelines.families import Model, Sample, Sampling, Start, Words
from pipelines.guidance import guide
from pipelines.pace import Pace
from pipelines.plans import Painting, Pixels
from pipelines.pulse import Pulse

if TYPE_CHECKING:
    from torch import Generator, Tensor

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class Stroke:
    """What one pass did for one request: step `step` of `steps` is done (from 1); the last one brings the picture.

    lost: the end of the prompt that the model could not read, "" if it read all. denoised: what the model takes for the
    clean latents by now (channels × rows × columns), where that was asked for. problem: why nothing more will come.
    """

    ticket: int
    step: int
    steps: int
    picture: Pixels | None
    lost: str
    denoised: "Tensor | None" = None
    problem: Exception | None = None


@dataclass(kw_only=True, eq=False)
class _Request:
    ticket: int
    painting: Painting
    sampler: Sampling
    generator: "Generator"
    words: Words
    start: Start
    latents: "Tensor"
    watched: Callable[[], bool]
    denoised: "Tensor | None" = None
    done: int = 0
    waited_since: int = 0
    over: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What must agree for two requests to go through the model together."""
        return self.ticket if self.painting.recipe.deterministic else -1, self.kind, self.painting.recipe.loras

    @property
    def kind(self) -> tuple[object, ...]:
        """What the time of a pass depends on."""
        return self.painting.width, self.painting.height, self.words.embedding.shape[1:]


class Engine:
    """Runs the loops of many requests on one model, as many in one forward pass as `pace` says.

    A request that is `deterministic` always has its passes for itself. One request alone gives, on a CPU, exactly what
    diffusers' stock pipeline gives; in company its numbers may differ by rounding, and among as many others they are
    the same whoever these are.
    """

    def __init__(
        self, model: Model, *, max_batch: int = 1, pace: Pace | None = None, pulse: Pulse | None = None
    ) -> None:
        self._model, self._pace = model, pace or Pace(max_batch)
        self._pulse = pulse or Pulse()
        self._denoised = model.denoised()
        self._running: list[_Request] = []
        self._kind: Hashable = None
        self._tickets, self._rounds = count(), count()
        self._machine = Machine(model.device)

    def admit(self, painting: Painting, *, watched: Callable[[], bool] = lambda: False) -> int:
        """Take a request in; it joins at the next step. The number returned marks its strokes.

        watched: asked at each step whether somebody will look at what the model takes for the clean latents.
        """
        import torch

        model = self._model
        if not self._running:
            self._pace.forget()
        self._pulse.enter("encode", painting.width * painting.height)
        with torch.inference_mode():
            sampler = model.sampling(painting)
            generator = torch.Generator("cpu").manual_seed(painting.seed)
            words = model.encode_prompt(painting)
            self._pulse.read(kept=words.kept, anew=words.anew)
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
            waited_since=next(self._rounds),
        )
        self._running.append(request)
        self._kind = request.kind
        return request.ticket

    def withdraw(self, ticket: int) -> None:
        """Forget a request; it leaves at the step boundary it has reached."""
        self._running = [request for request in self._running if request.ticket != ticket]

    @property
    def busy(self) -> bool:
        """Whether any request is still running."""
        return bool(self._running)

    @property
    def limit(self) -> int:
        """As many requests like the one that came last may share its passes."""
        return self._pace.limit(self._kind)

    def step(self) -> list[Stroke]:
        """One forward pass for those who have waited longest, and for whoever may share it; empty when nobody waits.

        Where it fails, it is tried with fewer at a time, so that the fault of one is not the others'.
        """
        if not self._running:
            return []
        group = self._next_group()
        now = next(self._rounds)
        strokes = self._pass(group)
        for request in group:
            request.waited_since = now
        self._running = [request for request in self._running if not request.over]
        return strokes

    def _next_group(self) -> list[_Request]:
        queue = sorted(self._running, key=lambda request: request.waited_since)
        return [request for request in queue if request.key == queue[0].key][: self._pace.limit(queue[0].kind)]

    def _pass(self, group: Sequence[_Request]) -> list[Stroke]:
        try:
            samples, outputs = self._predict(group)
        except Exception as problem:  # whoever it is about is told of it
            if len(group) == 1:
                return [_failed(group[0], problem)]
            log.warning("A pass with %d requests failed and is tried with fewer: %s", len(group), problem)
            if is_out_of_memory(problem):
                self._pace.keep_below(group[0].kind, len(group))
        else:
            return [self._go_on(*each) for each in zip(group, samples, outputs, strict=True)]
        self._machine.clear()  # here, because what failed holds on to its tensors until its exception is gone
        half = (len(group) + 1) // 2
        return self._pass(group[:half]) + self._pass(group[half:])

    def _predict(self, group: Sequence[_Request]) -> "tuple[list[Sample], list[Tensor]]":
        import torch

        self._pulse.enter("step", sum(request.painting.width * request.painting.height for request in group))
        begun = time.perf_counter()
        with torch.inference_mode():
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
            outputs = self._model.predict(samples)
        if self._pace.learns:
            self._time(group, begun)
        self._pulse.passed(len(group))
        return samples, outputs

    def _time(self, group: Sequence[_Request], begun: float) -> None:
        """Tell the pace how long a pass took, and where memory leaves no room for one more."""
        self._machine.wait()
        compiled = self._model.forms is not None and self._model.forms.compiled
        self._pace.took(group[0].kind, len(group), time.perf_counter() - begun, compiled=compiled)
        if self._machine.peak() / len(group) > self._machine.room().free:
            self._pace.keep_below(group[0].kind, len(group) + 1)

    def _go_on(self, request: _Request, sample: Sample, output: "Tensor") -> Stroke:
        import torch

        try:
            with torch.inference_mode():
                self._advance(request, sample, output)
                return self._stroke(request)
        except Exception as problem:  # this request's own; the others of its pass go on
            return _failed(request, problem)

    def _advance(self, request: _Request, sample: Sample, output: "Tensor") -> None:
        guided = guide(output, sample, request.sampler.noise, request.painting.recipe)
        watched = request.watched()
        request.denoised = self._denoised(sample.latents, guided, sample.timestep)[0] if watched else None
        request.latents = request.sampler.step(guided, _timestep(request), request.latents, request.generator)
        request.done += 1
        _restore_known(request)

    def _stroke(self, request: _Request) -> Stroke:
        steps, passes = request.painting.recipe.steps, len(request.sampler.timesteps)
        request.over = request.done == passes
        if request.over:
            self._pulse.enter("decode", request.painting.width * request.painting.height)
        return Stroke(
            ticket=request.ticket,
            step=steps if request.over else request.done * steps // passes,
            steps=steps,
            picture=self._model.decode(request.latents) if request.over else None,
            lost=request.words.lost,
            denoised=request.denoised,
        )


def _failed(request: _Request, problem: Exception) -> Stroke:
    request.over = True
    steps = request.painting.recipe.steps
    return Stroke(ticket=request.ticket, step=0, steps=steps, picture=None, lost="", problem=problem)


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
