"""Put on the path of a server under test: faults inside its worker, and a painter that needs no models.

GESSO_TEST_FAULTS: a file that says what shall happen before the next denoising steps, one word a step: loop (for ever),
crash (the process ends at once), memory (the device has none left), pass (nothing). It is eaten word by word. A file
beside it, with .load after its name, says it of loading; there, waits (for a file .go), and held (that, and a crash).

GESSO_TEST_PAINTER: seconds that a step takes. Pictures are then noise, from the seed alone, and no library of models is
imported, so that a worker is there within a second. All around it is as ever: the process, its pipe, plans, sessions.
A prompt with the words "kills its worker" does so at its first step.

GESSO_TEST_CLOCK: a file with the seconds by which the machine's clock is wrong.
"""

import importlib.abc
import importlib.util
import os
import sys
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FAULTS = os.environ.get("GESSO_TEST_FAULTS", "")
STEP_S = os.environ.get("GESSO_TEST_PAINTER", "")


def suffer(faults=FAULTS):
    """The next fault, if there is one."""
    if not faults or not Path(faults).exists():
        return
    words = Path(faults).read_text(encoding="utf-8").split()
    word = words.pop(0) if words else "pass"
    Path(faults).write_text(" ".join(words), encoding="utf-8")
    while word in ("held", "waits") and not Path(f"{FAULTS}.go").exists():
        time.sleep(0.05)
    if word in ("crash", "held"):
        os._exit(9)
    if word == "memory":
        raise MemoryError
    while word == "loop":
        pass


class Painter:
    """What `pipelines.engine.Engine` is to a session."""

    def __init__(self):
        self.pulse: Any = None
        self.most = 1
        self.running, self.tickets = [], count()

    @property
    def limit(self):
        return self.most

    def admit(self, painting, *, watched=False):
        self.running.append([next(self.tickets), painting, 0])
        return self.running[-1][0]

    def withdraw(self, ticket):
        self.running = [one for one in self.running if one[0] != ticket]

    def step(self):
        from pipelines.engine import Stroke

        self.pulse.enter("step")
        try:
            suffer()
        except MemoryError as problem:
            return [self.failed(one, problem) for one in self.running]
        if any("kills its worker" in one[1].recipe.prompt for one in self.running):
            os._exit(9)
        time.sleep(float(STEP_S))
        self.pulse.passed(len(self.running))
        strokes = []
        for one in self.running:
            one[2] += 1
            ticket, painting, done = one
            steps = painting.recipe.steps
            picture = noise(painting) if done == steps else None
            strokes.append(Stroke(ticket=ticket, step=done, steps=steps, picture=picture, lost=""))
        self.running = [one for one in self.running if one[2] < one[1].recipe.steps]
        return strokes

    def failed(self, one, problem):
        from pipelines.engine import Stroke

        return Stroke(ticket=one[0], step=0, steps=1, picture=None, lost="", problem=problem)


def noise(painting):
    import numpy as np

    shape = (painting.height, painting.width, 3)
    return np.random.default_rng(painting.seed).integers(0, 256, shape, dtype=np.uint8)


def paint_noise(studio):
    from pipelines import sparing

    painter = Painter()

    class NoModels:
        def easel(self, *what):
            return SimpleNamespace(engine=painter, glance=lambda: None, model=SimpleNamespace(forms=None))

    @contextmanager
    def leaner(model):
        yield

    @contextmanager
    def checkpoint(self, *what):
        painter.pulse, painter.most = self._pulse, self.settings.max_batch or 1
        yield NoModels()

    sparing.leaner = leaner
    studio.Residency.make_way = lambda self: None  # it would import torch
    studio._device = lambda settings: "cpu"
    studio.Studio.checkpoint = checkpoint
    studio.Studio.load = lambda self, preset, tell: suffer(f"{FAULTS}.load")


def import_nothing(worker):
    worker._keep_libraries_quiet = lambda: None


def break_steps(engine):
    predict = engine.Engine._predict

    def faulty(self, group):
        suffer()
        return predict(self, group)

    engine.Engine._predict = faulty


def wrong_clock():
    clock, right, right_ns = Path(os.environ["GESSO_TEST_CLOCK"]), time.time, time.time_ns

    def seconds():
        return float(clock.read_text(encoding="utf-8") or 0) if clock.exists() else 0.0

    time.time = lambda: right() + seconds()
    time.time_ns = lambda: right_ns() + int(seconds() * 10**9)


if os.environ.get("GESSO_TEST_CLOCK"):
    wrong_clock()

CHANGES = {}
if FAULTS:
    CHANGES["pipelines.engine"] = break_steps
if STEP_S:
    CHANGES |= {"pipelines.studio": paint_noise, "pipelines.worker": import_nothing}


class Changed(importlib.abc.MetaPathFinder):
    """Changes modules as they are imported."""

    def find_spec(self, name, path, target=None):
        if name not in CHANGES:
            return None
        change = CHANGES.pop(name)
        spec: Any = importlib.util.find_spec(name)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            change(module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Changed())
