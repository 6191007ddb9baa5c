"""Section 8: every sampler and scheduler by its name, in pixels and in metadata."""

import re
from itertools import groupby

import pytest

from tests.contract.looks import Ask, Look
from tests.server.running import Running

A1111 = {
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "heunpp2": "Heun",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "lms": "LMS",
    "dpm_fast": "DPM++ 2M",
    "dpm_adaptive": "DPM++ 2M",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_gpu": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "dpmpp_3m_sde": "dpmpp_3m_sde",
    "dpmpp_3m_sde_gpu": "dpmpp_3m_sde_gpu",
    "ddpm": "ddpm",
    "lcm": "LCM",
    "tcd": "TCD",
    "restart": "Restart",
    "ddim": "DDIM",
    "uni_pc": "UniPC",
    "uni_pc_bh2": "uni_pc_bh2",
}
"""What is written into pictures; a sampler that gives way writes the one that really ran."""

NEAREST = {"heunpp2": "heun", "dpm_fast": "dpmpp_2m", "dpm_adaptive": "dpmpp_2m"}
ALIKE = [{"heun", "heunpp2"}, {"dpmpp_2m", "dpm_fast", "dpm_adaptive"},
         *({name, f"{name}_gpu"} for name in ("dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde"))]  # fmt: skip
"""Samplers that are one; `_gpu` tells where the noise is drawn, which here is always on one kind of device."""

SCHEDULERS = ("normal", "karras", "exponential", "sgm_uniform", "simple", "ddim_uniform", "lcm", "turbo",
              "align_your_steps", "tcd", "edm_playground_v2.5")  # fmt: skip
ALIKE_SCHEDULERS = [{"sgm_uniform", "simple", "lcm", "tcd"}, {"karras", "edm_playground_v2.5"}]


@pytest.fixture(scope="module")
def sampled(ask: Ask) -> dict[str, Look]:
    """What each sampler paints in six steps."""
    asked = {"scheduler_name": "normal", "overwrite_step": 6, "metadata_scheme": "a1111"}
    return {name: ask(**asked, sampler_name=name) for name in A1111}


@pytest.fixture(scope="module")
def scheduled(ask: Ask) -> dict[str, Look]:
    """What each scheduler makes of one sampler in four steps."""
    return {name: ask(sampler_name="euler", scheduler_name=name, overwrite_step=4) for name in SCHEDULERS}


def alike(looks: dict[str, Look]) -> list[set[str]]:
    """The names that made the same pixels, where several did."""

    def by_pixels(name: str) -> bytes:
        return looks[name].pixels.tobytes()

    groups = [set(names) for _, names in groupby(sorted(looks, key=by_pixels), key=by_pixels)]
    return sorted((group for group in groups if len(group) > 1), key=sorted)


@pytest.mark.contract("8/samplers")
@pytest.mark.parametrize("name", A1111)
def test_every_sampler_is_taken_by_its_name(sampled: dict[str, Look], name: str) -> None:
    look = sampled[name]
    assert look.used["sampler"] == NEAREST.get(name, name)
    assert (f"The sampler {name} is not there" in look.warnings) == (name in NEAREST)
    assert look.record["req_params"]["sampler_name"] == name


@pytest.mark.contract("8/sampler-shows")
def test_another_sampler_makes_another_picture(sampled: dict[str, Look]) -> None:
    assert alike(sampled) == sorted(ALIKE, key=sorted)


@pytest.mark.contract("8/a1111-names")
@pytest.mark.parametrize("name", A1111)
def test_a_picture_names_the_sampler_as_the_web_ui_does(server: Running, sampled: dict[str, Look], name: str) -> None:
    told = server.picture(sampled[name].record["result"][0]).info["parameters"]
    found = re.search(r"Sampler: ([^,]*),", told)
    assert found
    assert found[1] == A1111[name]


@pytest.mark.contract("8/a1111-names")
def test_karras_is_told_beside_the_sampler(server: Running, ask: Ask) -> None:
    look = ask(sampler_name="dpmpp_2m", scheduler_name="karras", metadata_scheme="a1111")
    assert "Sampler: DPM++ 2M Karras," in server.picture(look.record["result"][0]).info["parameters"]


@pytest.mark.contract("8/schedulers")
@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_is_taken_by_its_name(scheduled: dict[str, Look], name: str) -> None:
    look = scheduled[name]
    nearest = {"edm_playground_v2.5": "karras"}
    assert look.used["scheduler"] == nearest.get(name, name)
    assert (f"The scheduler {name} is not there" in look.warnings) == (name in nearest)
    assert look.record["req_params"]["scheduler_name"] == name


@pytest.mark.contract("8/scheduler-shows")
def test_another_scheduler_makes_another_picture(scheduled: dict[str, Look]) -> None:
    assert alike(scheduled) == sorted(ALIKE_SCHEDULERS, key=sorted)


@pytest.mark.contract("8/unknown-sampler", "4/sampler_name", "4/scheduler_name")
@pytest.mark.parametrize(
    ("field", "wrong", "nearest"), [("sampler_name", "eulr", "euler"), ("scheduler_name", "karas", "karras")]
)
def test_an_unknown_name_is_refused_with_the_nearest(server: Running, field: str, wrong: str, nearest: str) -> None:
    answer = server.generate(**{field: wrong})
    assert answer.status_code == 422
    told = answer.json()["detail"][0]
    assert told["loc"] == ["body", field]
    assert nearest in told["msg"]
