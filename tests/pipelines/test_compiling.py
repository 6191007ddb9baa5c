"""With --compile, passes of sizes that recur are compiled beside the painting; the pictures stay, and nobody waits."""

import dataclasses
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from configs.settings import Settings, SettingsError
from masking import placement
from masking.machine import Machine
from masking.weighing import weigh
from pipelines import compiling, inpaint_engine, layout
from pipelines.checkpoints import find
from pipelines.compiling import Forms
from pipelines.engine import Engine
from pipelines.events import Event, Finished
from pipelines.families import families
from pipelines.pace import LOOKS, Pace
from pipelines.planning import resolve
from pipelines.plans import Lora, Painting, Pixels
from pipelines.studio import Studio
from pipelines.tasks.text_to_image import TextToImage
from tests import toy_flow, toy_loras, toys
from tests.pipelines.recipes import paint, recipe, repainting
from tests.pipelines.test_inpaint_engine import FILES, write_patch


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    models = tmp_path_factory.mktemp("home") / "models"
    settings = Settings(models_path=models, output_path=models.parent / "outputs", device="cpu", compile="default")
    toys.stable_diffusion(models / "checkpoints" / "sd")
    toys.stable_diffusion(models / "checkpoints" / "sd9", unet_channels=9)
    toys.sdxl(models / "checkpoints" / "xl")
    toy_flow.flux(models / "checkpoints" / "flux")
    toy_flow.sd3(models / "checkpoints" / "sd3")
    toy_flow.qwen_image(models / "checkpoints" / "qwen")
    model = load("xl", dataclasses.replace(settings, compile="off"))
    toy_loras.write(toy_loras.peft(toy_loras.deltas(model)), models / "loras" / "change.safetensors")
    (models / "inpaint").mkdir()
    torch.save({"head": torch.randn(8, 5, 3, 3)}, models / "inpaint" / "fooocus_inpaint_head.pth")
    write_patch(model.unet, models / "inpaint" / FILES["v2.6"], seed=1)
    return settings


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compiling, "WANTED", 1)
    monkeypatch.setenv(compiling.CACHE, str(tmp_path / "compiled"))


class Untouched:
    """What a compiler gives that leaves a pass as it is."""

    def __init__(self, whole: Callable[..., Any], **_: object) -> None:
        self.whole = whole

    def aot_compile(self, _: object) -> Callable[..., Any]:
        return self.whole


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is traced, which takes seconds."""
    monkeypatch.setattr(torch, "compile", Untouched)


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch traces and writes no code, which takes minutes."""
    monkeypatch.setattr(compiling, "BACKEND", "eager")


def load(name: str, settings: Settings) -> Any:
    found = find(name, settings)
    return families()[found.family].load(found, "cpu", settings)


def asked(side: int = 64, **more: Any) -> Painting:
    told = recipe(**{"steps": 2, "sampler": "euler", "scheduler": "simple"} | more)
    return Painting(recipe=told, seed=1, width=side, height=64)


def painted(model: Any, painting: Painting) -> Pixels:
    """The picture, and what was wanted meanwhile is compiled."""
    picture = paint(model, painting)
    model.forms.settle()
    return picture


def close(one: Pixels, other: Pixels) -> bool:
    return bool(np.abs(one.astype(int) - other).max() <= 1)


def usual(name: str, home: Settings, painting: Painting) -> Pixels:
    return paint(load(name, dataclasses.replace(home, compile="off")), painting)


@pytest.mark.parametrize("name", ["xl", "sd3"])
@pytest.mark.usefixtures("traced")
def test_the_first_picture_is_eager_and_those_after_it_are_compiled_and_alike(home, name):
    model = load(name, home)
    expected = usual(name, home, asked())
    np.testing.assert_array_equal(painted(model, asked()), expected)
    assert close(painted(model, asked()), expected)
    assert model.forms.compiled
    assert model.forms.untold() == []


@pytest.mark.parametrize("name", ["sd", "sd9", "flux"])
@pytest.mark.usefixtures("quick")
def test_models_of_every_kind_take_the_compiled_way(home, name):
    model = load(name, home)
    expected = usual(name, home, asked())
    np.testing.assert_array_equal(painted(model, asked()), expected)
    assert close(painted(model, asked()), expected)
    assert model.forms.compiled


@pytest.mark.long
@pytest.mark.usefixtures("traced")
def test_each_size_is_compiled_for_itself_and_more_sizes_than_torch_would_recompile(home):
    model = load("sd", home)
    sides = [64, 80, 96, 112, 128, 144, 160, 176, 192, 208]
    for side in sides:
        painted(model, asked(side, guidance_scale=1.0, steps=1))
        assert not model.forms.compiled
    for side in sides:
        painted(model, asked(side, guidance_scale=1.0, steps=1))
        assert model.forms.compiled


@pytest.mark.usefixtures("quick")
def test_any_number_of_rows_goes_through_a_bucket(home):
    model = load("xl", home)
    several = [asked(guidance_scale=scale) for scale in (1.0, 4.0, 1.0, 5.0, 1.0)]  # 7 rows, of 8

    def together() -> list[Pixels]:
        engine = Engine(model, max_batch=8)
        tickets = [engine.admit(painting) for painting in several]
        told = {each.ticket: each.picture for _ in range(2) for each in engine.step()}
        return [picture for ticket in tickets if (picture := told[ticket]) is not None]

    first = together()
    model.forms.settle()
    second = together()
    assert model.forms.compiled
    assert len(first) == len(second) == 5
    assert all(close(*pair) for pair in zip(first, second, strict=True))


@pytest.mark.usefixtures("quick")
def test_what_hangs_on_the_model_takes_the_eager_way_and_feels_nothing_of_it(home, monkeypatch):
    monkeypatch.setattr(layout, "ON", ("cpu",))  # projections are joined, and come apart for a LoRA
    model = load("xl", home)
    monkeypatch.setattr(layout, "ON", ())
    changed = [
        asked(freeu=(1.1, 1.2, 0.9, 0.5)),
        dataclasses.replace(asked(), recipe=recipe(steps=2, loras=(Lora(name="change.safetensors", weight=0.8),))),
    ]
    for painting in (asked(), *changed):
        painted(model, asked())
        painted(model, asked())
        assert model.forms.compiled
        assert close(painted(model, painting), usual("xl", home, painting))
        assert model.forms.compiled == (painting not in changed)
    patch = inpaint_engine.load(model, "v2.6", home)
    patched = model.with_patch(patch)
    other = load("xl", dataclasses.replace(home, compile="off"))
    expected = paint(other.with_patch(inpaint_engine.load(other, "v2.6", home)), repainting(recipe(steps=2)))
    assert close(paint(patched, repainting(recipe(steps=2))), expected)
    assert not patched.forms.compiled
    painted(model, asked())
    assert close(painted(model, asked()), usual("xl", home, asked()))
    assert model.forms.compiled
    assert model.forms.untold() == []


@pytest.mark.usefixtures("traced")
def test_the_compiled_pass_follows_the_weights_and_weighs_nothing(home):
    model = load("sd", home)
    assert weigh(model) == weigh(load("sd", dataclasses.replace(home, compile="off")))
    painted(model, asked())
    before = painted(model, asked())
    for weight in model.unet.parameters():
        weight.data = weight.data.clone()  # as a move to another memory and back does
    model.unet.conv_out.bias.data += 0.5
    after = painted(model, asked())
    assert model.forms.compiled
    assert not close(after, before)


def test_weights_that_come_layer_by_layer_are_not_compiled_and_that_is_told(home, monkeypatch):
    model = load("sd", home)
    monkeypatch.setattr(Forms, "_is_here", lambda forms: forms._tell(compiling.IN_PARTS) or False)
    placement.place([model.unet], "layers", Machine("cpu"))
    for _ in range(2):
        assert painted(model, asked()).std() > 1
    assert not model.forms.compiled
    (told,) = model.forms.untold()
    assert "--vram" in told


def test_what_cannot_be_compiled_is_painted_eagerly_and_told_once(home, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("No working C++ compiler found\nand more")

    monkeypatch.setattr(torch, "compile", refuse)
    studio = Studio(home)
    plan = resolve(TextToImage(checkpoint="sd", prompt="a ball", steps=2, width=64, height=64, seed=1), home)
    ends = list[tuple[str, ...]]()

    def tell(event: Event) -> None:
        if isinstance(event, Finished):
            ends.append(event.warnings)

    for _ in range(3):
        studio.run(plan, tell)
        with studio.easel(plan) as easel:
            assert easel.model.forms
            easel.model.forms.settle()
    assert [len(warnings) for warnings in ends] == [0, 1, 0]
    assert "No working C++ compiler found." in ends[1][0]


def test_a_compiled_pass_that_is_wrong_is_never_used(home, monkeypatch):
    class Wrong(Untouched):
        def aot_compile(self, _: object) -> Callable[..., Any]:
            return lambda **asked: 2 * self.whole(**asked)

    monkeypatch.setattr(torch, "compile", Wrong)
    model = load("sd", home)
    expected = painted(model, asked())
    np.testing.assert_array_equal(painted(model, asked()), expected)
    assert "100% off" in model.forms.untold()[0]


@pytest.mark.parametrize("name", ["qwen"])
def test_models_whose_texts_have_any_length_say_that_they_are_not_compiled(home, name):
    model = load(name, home)
    assert painted(model, asked()).std() > 1
    assert not model.forms.compiled
    assert "any length" in model.forms.untold()[0]


@pytest.mark.usefixtures("quick")
def test_a_form_is_wanted_only_by_sizes_that_recur(home, monkeypatch):
    monkeypatch.setattr(compiling, "WANTED", 5)
    model = load("sd", home)
    for compiled in (False, False, False, True):
        painted(model, asked())
        assert model.forms.compiled == compiled


@pytest.mark.usefixtures("quick")
def test_only_so_many_sizes_are_compiled(home, monkeypatch):
    monkeypatch.setattr(compiling, "MOST", 1)
    model = load("sd", home)
    for side, compiled in ((64, False), (80, False), (64, True), (80, False)):
        painted(model, asked(side, steps=1))
        assert model.forms.compiled == compiled


@pytest.mark.usefixtures("quick")
def test_a_model_that_is_let_go_of_is_not_held_by_what_is_to_be_compiled(home):
    import gc
    import weakref

    model = load("sd", home)
    painted(model, asked())
    gone = weakref.ref(model.unet)
    del model
    gc.collect()
    assert gone() is None
    assert not [thread for thread in threading.enumerate() if thread.name == "gesso-compiling"]


def test_what_is_compiled_is_kept_in_the_users_cache_unless_the_environment_says_where(monkeypatch, tmp_path):
    monkeypatch.setenv(compiling.CACHE, "elsewhere")
    compiling.keep_on_disk()
    assert os.environ[compiling.CACHE] == "elsewhere"
    monkeypatch.delenv(compiling.CACHE)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiling.keep_on_disk()
    assert os.environ[compiling.CACHE] == str(tmp_path / "gesso" / "compiled")


def test_a_pass_that_is_compiled_is_timed_anew_and_compared_with_its_like():
    pace = Pace()

    def passes(size: int, seconds: float, *, compiled: bool) -> None:
        for _ in range(LOOKS + 1):
            pace.took("kind", size, seconds, compiled=compiled)

    passes(1, 1.0, compiled=False)
    passes(2, 2.1, compiled=False)
    assert pace.limit("kind") == 1
    passes(1, 0.5, compiled=True)
    assert pace.limit("kind") == 3, "two are not compiled yet, and may be better than that"
    passes(2, 0.8, compiled=True)
    assert pace.limit("kind") == 3
    passes(2, 1.1, compiled=True)
    passes(2, 1.1, compiled=True)
    assert pace.limit("kind") == 1


def test_another_way_of_compiling_is_refused():
    with pytest.raises(SettingsError, match="--compile cannot be 'fast': take one of off, default, max-autotune"):
        Settings(compile="fast")  # type: ignore[arg-type]


@pytest.mark.long
def test_torchs_own_compiler_does_it_and_finds_its_work_again(home, monkeypatch, tmp_path):
    monkeypatch.setattr(compiling, "BACKEND", "inductor")
    model = load("sd", home)
    expected = painted(model, asked())
    assert close(painted(model, asked()), expected)
    assert model.forms.compiled
    kept = set((tmp_path / "compiled").rglob("*.so"))
    assert kept
    again = load("sd", home)
    painted(again, asked())
    assert close(painted(again, asked()), expected)
    assert again.forms.compiled
    assert set((tmp_path / "compiled").rglob("*.so")) == kept
