"""Stable Diffusion and SDXL with random weights: raw diffusers, eager and compiled, and Gesso, all in turns in one run.

Every arm has the same weights. Speed is then the real one; what is painted says nothing.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks._watched import Watched
from benchmarks.baselines import compiled, eager
from configs.settings import Settings
from masking.machine import Machine
from pipelines.batch import Batch
from pipelines.planning import resolve
from pipelines.plans import Plan
from pipelines.session import Session
from pipelines.studio import Studio
from pipelines.tasks.text_to_image import TextToImage

NEGATIVE = "blurred"
PROMPTS = ("a red ball on a meadow", "a house by the sea at night", "a fox", "an old clock tower in the snow")


@dataclass(frozen=True, kw_only=True)
class Work:
    """name: of the checkpoint, whose folder lies in `models`/checkpoints. steps: of one picture, and of mixed ones.

    compiler: of diffusers' arms. warm_s: so long a server is asked before it is timed, for it to have compiled.
    flops: of a step of one picture under guidance, and of its decoding; None where nobody has counted them.
    """

    name: str
    models: Path
    side: int
    device: str
    number: Any
    steps: int = 30
    mixed: tuple[int, ...] = (20, 30, 25, 28, 22, 30, 24, 26)
    many: int = 32
    compiler: dict[str, Any] | None = None
    warm_s: float = 0.0
    flops: tuple[float, float] | None = None
    times: dict[str, list[float]] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)

    @property
    def machine(self) -> Machine:
        return Machine(self.device)

    @property
    def folder(self) -> str:
        return str(self.models / "checkpoints" / self.name)

    @property
    def settings(self) -> Settings:
        home = self.models.parent
        return Settings(
            models_path=self.models,
            output_path=home / "outputs",
            input_path=home / "inputs",
            device="cuda" if self.device == "cuda" else "cpu",
            log_level="warning",
        )

    def plans(self, steps: Sequence[int]) -> list[Plan]:
        """Pictures that differ in prompt, seed, steps and guidance."""
        told = {"checkpoint": self.name, "negative_prompt": NEGATIVE, "width": self.side, "height": self.side}
        return [
            resolve(
                TextToImage(
                    prompt=PROMPTS[i % len(PROMPTS)],
                    seed=i,
                    steps=count,
                    guidance_scale=_guidance(i),
                    styles=(),
                    sampler="euler",
                    scheduler="normal",
                    **told,  # type: ignore[arg-type]
                ),
                self.settings,
            )
            for i, count in enumerate(steps)
        ]


def _guidance(number: int) -> float:
    return 5.0 + number % 4


def write_checkpoint(work: Work, parts: Path) -> None:
    """Models as the configs in `parts` tell, with PyTorch's own initialisation."""
    import diffusers
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    from pipelines.weights import clip_tokenizer

    def config(part: str, file: str = "config.json") -> dict[str, Any]:
        told: dict[str, Any] = json.loads((parts / part / file).read_text(encoding="utf-8"))
        return told

    torch.manual_seed(0)
    with torch.device(work.device):
        unet = diffusers.UNet2DConditionModel.from_config(config("unet"))
        vae = diffusers.AutoencoderKL.from_config(config("vae"))
        encoders = {"text_encoder": CLIPTextModel(CLIPTextConfig(**config("text_encoder")))}
        if (parts / "text_encoder_2").is_dir():
            encoders["text_encoder_2"] = CLIPTextModelWithProjection(CLIPTextConfig(**config("text_encoder_2")))
    made: dict[str, Any] = {"unet": unet, "vae": vae, **encoders}
    for number in ("", "_2")[: len(encoders)]:
        told = config(f"tokenizer{number}", "tokenizer_config.json")
        made[f"tokenizer{number}"] = clip_tokenizer(told["vocabulary"], told["pad_token"], told["model_max_length"])
    made["scheduler"] = diffusers.EulerDiscreteScheduler.from_config(config("scheduler", "scheduler_config.json"))
    for part in ("unet", "vae", *encoders):
        made[part] = made[part].to(work.number)
    if "text_encoder_2" in made:
        pipeline = diffusers.StableDiffusionXLPipeline(**made, add_watermarker=False)
    else:
        none = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        pipeline = diffusers.StableDiffusionPipeline(**made, **none)
    pipeline.save_pretrained(work.folder)


Arms = dict[str, tuple[int, Callable[[], Sequence[object]]]]
"""How many pictures an arm paints, and how, by its name."""


def measure(work: Work, site: Watched | None, rounds: int) -> None:
    """Fill `work.times`: seconds a picture by arm. site: a server that compiles, on the same models; without one, no
    arm has HTTP.
    """
    arms = _diffusers(work)
    for name, told in WAYS.items():
        arms |= _gesso(work, name, told)
    if site:
        one, mixed = work.plans([work.steps]), work.plans(work.mixed)
        arms["Gesso compiled over HTTP, one"] = (1, lambda: _ask(site, one))
        arms[f"Gesso compiled over HTTP, {len(mixed)} clients"] = (len(mixed), lambda: _ask(site, mixed))
    for number in range(rounds + 1):  # the first one warms up
        for name, (pictures, arm) in arms.items():
            begun = time.perf_counter()
            while number == 0 and "HTTP" in name and time.perf_counter() - begun < work.warm_s:
                arm()
            work.machine.peak()
            begun = time.perf_counter()
            assert len(arm()) == pictures
            if number:
                work.times.setdefault(name, []).append((time.perf_counter() - begun) / pictures)
                work.peaks[name] = work.machine.peak()


WAYS: Mapping[str, Mapping[str, Any]] = {
    "Gesso": {},
    "Gesso compiled": {"compile": "default"},
    "Gesso fp8": {"compile": "default", "fp8": True},
}
"""The settings of each of Gesso's arms."""


def _diffusers(work: Work) -> Arms:
    raw = eager.pipeline(work.folder, work.device, work.number)
    fast = compiled.pipeline(work.folder, work.device, work.number, compiler=work.compiler)
    one, mixed = work.plans([work.steps]), work.plans(work.mixed)

    def call(made: Any, plans: Sequence[Plan]) -> list[Image.Image]:
        return [picture for plan in plans for picture in _raw(made, plan, work.side)]

    few = len(mixed)
    return {
        "diffusers, one": (1, lambda: call(raw, one)),
        "diffusers compiled, one": (1, lambda: call(fast, one)),
        f"diffusers, {few} that differ, one by one": (few, lambda: call(raw, mixed)),
        f"diffusers compiled, {few} that differ, one by one": (few, lambda: call(fast, mixed)),
        f"diffusers compiled, {few} alike in one call": (few, lambda: _alike(fast, work, few)),
    }


def _gesso(work: Work, name: str, told: Mapping[str, Any]) -> Arms:
    """One picture, several and many; before the first is timed, all that is to be compiled for them has been."""
    studio = Studio(replace(work.settings, **told))
    counts = {"one": [work.steps], f"{len(work.mixed)} that differ, together": list(work.mixed)}
    counts[f"{work.many} that differ, together"] = [work.mixed[i % len(work.mixed)] for i in range(work.many)]
    arms: Arms = {}
    for what, steps in counts.items():
        plans = work.plans(steps)
        _settle(studio, plans)
        arms[f"{name}, {what}"] = (len(plans), lambda plans=plans: together(studio, plans))  # type: ignore[misc]
    return arms


def _settle(studio: Studio, plans: Sequence[Plan]) -> None:
    """Paint the plans until nothing new is compiled for them. Raises SystemExit where that goes wrong."""
    with studio.easel(plans[0]) as easel:
        forms = easel.model.forms
    before = -1
    while forms and forms.ready > before:
        before = forms.ready
        together(studio, plans)
        together(studio, plans)
        forms.settle()
        if told := forms.untold():
            raise SystemExit(" ".join(told))


def _raw(made: Any, plan: Plan, side: int) -> list[Image.Image]:
    recipe, shot = plan.recipe, plan.shots[0]
    told = {"seed": shot.seed, "steps": recipe.steps, "guidance": recipe.guidance_scale, "side": side}
    return eager.paint(made, [shot.prompt], negative=NEGATIVE, **told)  # type: ignore[arg-type]


def _alike(made: Any, work: Work, number: int) -> list[Image.Image]:
    steps = round(sum(work.mixed) / len(work.mixed))
    prompts = [PROMPTS[i % len(PROMPTS)] for i in range(number)]
    return eager.paint(made, prompts, negative=NEGATIVE, seed=0, steps=steps, guidance=6.0, side=work.side)


def together(studio: Studio, plans: Sequence[Plan]) -> list[Image.Image]:
    """All plans in one batch, as the worker draws what comes from several clients. Raises what goes wrong."""
    problems: list[Exception] = []

    def left(_session: Session, problem: Exception | None) -> None:
        problems.extend([problem] if problem else [])

    with studio.easel(plans[0]) as easel:
        batch = Batch(easel, studio.held, left=left)
        sessions = [studio.session(plan, easel, tell=lambda _: None, said=lambda: ()) for plan in plans]
        for session in sessions:
            batch.join(session)
        while batch.busy:
            batch.go_on()
    if problems:
        raise problems[0]
    return [picture for session in sessions for picture in session.pictures]


def _ask(site: Watched, plans: Sequence[Plan]) -> list[object]:
    def ask(plan: Plan) -> object:
        recipe, shot = plan.recipe, plan.shots[0]
        return site.post(
            "/v1/engine/generate",
            prompt=shot.prompt,
            negative_prompt=NEGATIVE,
            base_model_name=recipe.checkpoint,
            aspect_ratios_selection=f"{shot.width}*{shot.height}",
            image_seed=shot.seed,
            overwrite_step=recipe.steps,
            guidance_scale=recipe.guidance_scale,
            sampler_name=recipe.sampler,
            scheduler_name=recipe.scheduler,
            style_selections=[],
        )

    with ThreadPoolExecutor(len(plans)) as clients:
        return list(clients.map(ask, plans))
