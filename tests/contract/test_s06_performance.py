"""Section 6: how many steps each mode really takes, and what the sizes are."""

from typing import Any

import pytest
from _pytest.mark import ParameterSet
from PIL import Image

from tests.contract.looks import Ask, steps
from tests.server.running import Running, as_text

SIZES = [
    "704*1408", "704*1344", "768*1344", "768*1280", "832*1216", "832*1152", "896*1152", "896*1088", "960*1088",
    "960*1024", "1024*1024", "1024*960", "1088*960", "1088*896", "1152*896", "1152*832", "1216*832", "1280*768",
    "1344*768", "1344*704", "1408*704", "1472*704", "1536*640", "1600*640", "1664*576", "1728*576",
]  # fmt: skip


def mode(name: str, of_text: int, of_upscaling: int) -> ParameterSet:
    row = name.lower().replace(" ", "-")
    return pytest.param(name, of_text, of_upscaling, marks=pytest.mark.contract(f"6/{row}"), id=row)


@pytest.mark.contract("4/performance_selection")
@pytest.mark.parametrize(
    ("name", "of_text", "of_upscaling"),
    [
        mode("Quality", 60, 36),
        mode("Speed", 30, 18),
        mode("Extreme Speed", 8, 8),
        mode("Lightning", 4, 4),
        mode("Hyper-SD", 4, 4),
    ],
)
def test_a_mode_takes_its_steps(
    server: Running, photo: Image.Image, name: str, of_text: int, of_upscaling: int
) -> None:
    asked: dict[str, Any] = {"performance_selection": name, "overwrite_step": -1}
    assert steps(server, **asked)[-1] == f"{of_text}/{of_text}, image 1/1"
    upscale = {"uov_input_image": as_text(photo), "uov_method": "Upscale (1.5x)"}
    assert len(steps(server, **asked, **upscale)) == of_upscaling


@pytest.mark.parametrize(
    ("name", "lora"),
    [
        pytest.param("Extreme Speed", "sdxl_lcm_lora", marks=pytest.mark.contract("6/extreme-speed")),
        pytest.param("Lightning", "sdxl_lightning_4step_lora", marks=pytest.mark.contract("6/lightning")),
        pytest.param("Hyper-SD", "sdxl_hyper_sd_4step_lora", marks=pytest.mark.contract("6/hyper-sd")),
    ],
)
def test_a_fast_mode_tells_that_it_runs_without_its_lora(ask: Ask, name: str, lora: str) -> None:
    look = ask(performance_selection=name, overwrite_step=-1)
    assert lora in look.warnings
    assert "LoRA" not in ask(performance_selection="Speed").warnings


@pytest.mark.contract("6/overwrite-step-wins", "4/overwrite_step")
@pytest.mark.parametrize("name", ["Quality", "Lightning"])
def test_a_number_of_steps_wins_over_the_mode(server: Running, photo: Image.Image, name: str) -> None:
    upscale = {"uov_input_image": as_text(photo), "uov_method": "Upscale (1.5x)"}
    assert len(steps(server, performance_selection=name, overwrite_step=7)) == 7
    assert len(steps(server, performance_selection=name, overwrite_step=7, **upscale)) == 7


@pytest.mark.contract("6/partial-denoise-steps")
@pytest.mark.parametrize(("strength", "number", "skipped"), [(0.5, 6, 6), (0.85, 20, 3), (0.85, 4, 1), (0.25, 2, 6)])
def test_a_part_strength_takes_all_its_steps_of_a_longer_schedule(
    server: Running, ask: Ask, photo: Image.Image, strength: float, number: int, skipped: int
) -> None:
    asked = {"uov_input_image": as_text(photo), "uov_method": "Vary (Subtle)", "overwrite_vary_strength": strength}
    look = ask(**asked, overwrite_step=number)
    assert (look.used["steps"], look.used["skipped"]) == (number, skipped)
    assert len(steps(server, **asked, overwrite_step=number)) == number


@pytest.mark.contract("6/aspect-ratios", "4/aspect_ratios_selection")
def test_fooocus_sizes_are_offered_and_any_is_taken(server: Running, ask: Ask) -> None:
    listed = {entry["name"]: entry for entry in server.client.get("/v1/engines/presets").json()}
    assert listed["default"]["aspect_ratios"] == SIZES
    for size in (SIZES[0], SIZES[-1], "333*77"):
        width, height = map(int, size.split("*"))
        assert ask(aspect_ratios_selection=size, overwrite_step=1).pixels.shape == (height, width, 3)
