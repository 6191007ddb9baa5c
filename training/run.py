"""What every training here shares: seeds, the learning-rate curve, checkpoints to resume from, a log to plot."""

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn


@dataclass(frozen=True, kw_only=True)
class Course:
    """How one training goes. `folder` keeps `state.pt` (to resume) and `log.jsonl` (step, loss, seconds)."""

    folder: Path
    steps: int
    learning_rate: float
    warmup: int = 100
    save_every: int = 200
    device: str = "cpu"
    average: float = 0.0  # decay of the exponential moving average of the weights; 0 keeps none
    held: float = 0.0  # the part of the steps that the learning rate stays at its peak before it falls


def learning_rate(course: Course, step: int) -> float:
    """Linear warm-up, the peak for as long as it is held, then a cosine down to 2 % of it."""
    if step < course.warmup:
        return course.learning_rate * (step + 1) / course.warmup
    falls = max(course.warmup, course.held * course.steps)
    done = min(max(step - falls, 0) / max(course.steps - falls, 1), 1.0)
    return course.learning_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def train(course: Course, model: nn.Module, loss_of: Callable[[int], torch.Tensor]) -> nn.Module:
    """Minimise `loss_of(step)` over `model`'s parameters with AdamW; returns the averaged model if one is kept."""
    course.folder.mkdir(parents=True, exist_ok=True)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=course.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    averaged = _Average(model, course.average)
    step = _resume(course, model, optimizer, averaged)
    began, losses = time.monotonic(), []
    while step < course.steps:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(course, step)
        loss = loss_of(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        averaged.update(model)
        losses.append(float(loss.detach()))
        step += 1
        if step % 50 == 0:
            _log(course, step=step, loss=sum(losses) / len(losses), seconds=time.monotonic() - began)
            losses = []
        if step % course.save_every == 0 or step == course.steps:
            _save(
                course,
                {
                    "step": step,
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": averaged.weights,
                },
            )
    averaged.apply(model)
    return model


class _Average:
    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()} if decay else None

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        if self.weights:
            current = model.state_dict()
            keys = [k for k, v in self.weights.items() if v.is_floating_point()]
            torch._foreach_lerp_([self.weights[k] for k in keys], [current[k] for k in keys], 1 - self.decay)

    def apply(self, model: nn.Module) -> None:
        if self.weights:
            model.load_state_dict(self.weights)


def _resume(course: Course, model: nn.Module, optimizer: torch.optim.Optimizer, averaged: _Average) -> int:
    path = course.folder / "state.pt"
    if not path.exists():
        return 0
    state = torch.load(path, map_location=course.device, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    if averaged.weights and state["average"]:
        averaged.weights = state["average"]
    print(f"resumed {course.folder.name} at step {state['step']}", flush=True)
    return int(state["step"])


def _save(course: Course, state: dict[str, object]) -> None:
    partial = course.folder / "state.pt.partial"
    torch.save(state, partial)
    os.replace(partial, course.folder / "state.pt")


def _log(course: Course, **figures: float) -> None:
    line = json.dumps({k: round(v, 5) for k, v in figures.items()})
    with (course.folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(line + "\n")
    print(course.folder.name, line, flush=True)


def device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def precision(device: str) -> torch.autocast:
    """Autocast to bfloat16 where the device has it; elsewhere none, as a CPU that emulates it is many times slower."""
    known = torch.cpu.get_capabilities()
    native = device == "cuda" or bool(known.get("avx512_bf16") or known.get("amx_bf16"))
    return torch.autocast(device, torch.bfloat16, enabled=native)
