"""Stable Diffusion and SDXL with random weights: raw diffusers, eager and compiled, and Gesso, all in turns in one run.

Every arm has the same weights. Speed is then the real one; what is painted says nothing.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from benchmarks._watched import Watched, watched
from benchmarks.baselines import compiled, eager
from configs.settings import ROOT, Settings
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


def measure(work: Work, site: Watched | None, rounds: int) -> None:
    """Fill `work.times`: seconds a picture by arm. site: a server on the same models; without one, no arm has HTTP."""
    raw = eager.pipeline(work.folder, work.device, work.number)
    fast = compiled.pipeline(work.folder, work.device, work.number, compiler=work.compiler)
    studio = Studio(work.settings)
    one, mixed = work.plans([work.steps]), work.plans(work.mixed)
    many = work.plans([work.mixed[i % len(work.mixed)] for i in range(work.many)])

    def call(made: Any, plans: Sequence[Plan]) -> list[Image.Image]:
        return [picture for plan in plans for picture in _raw(made, plan, work.side)]

    arms: dict[str, tuple[int, Callable[[], Sequence[object]]]] = {
        "diffusers, one": (1, lambda: call(raw, one)),
        "diffusers compiled, one": (1, lambda: call(fast, one)),
        "Gesso, one": (1, lambda: together(studio, one)),
        f"diffusers, {len(mixed)} that differ, one by one": (len(mixed), lambda: call(raw, mixed)),
        f"diffusers compiled, {len(mixed)} that differ, one by one": (len(mixed), lambda: call(fast, mixed)),
        f"Gesso, {len(mixed)} that differ, together": (len(mixed), lambda: together(studio, mixed)),
        f"diffusers compiled, {len(mixed)} alike in one call": (len(mixed), lambda: _alike(fast, work, len(mixed))),
        f"Gesso, {len(many)} that differ, together": (len(many), lambda: together(studio, many)),
    }
    if site:
        arms["Gesso over HTTP, one"] = (1, lambda: _ask(site, one))
        arms[f"Gesso over HTTP, {len(mixed)} clients"] = (len(mixed), lambda: _ask(site, mixed))
    for number in range(rounds + 1):  # the first one warms up
        for name, (pictures, arm) in arms.items():
            work.machine.peak()
            begun = time.perf_counter()
            assert len(arm()) == pictures
            if number:
                work.times.setdefault(name, []).append((time.perf_counter() - begun) / pictures)
                work.peaks[name] = work.machine.peak()


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


def table(work: Work) -> str:
    """Medians with the spread, beside raw diffusers; which goals they answer."""
    few, many = len(work.mixed), work.many
    mixed, together_ = f"diffusers, {few} that differ, one by one", f"Gesso, {few} that differ, together"
    fast = f"diffusers compiled, {few} that differ, one by one"
    lines = ["| arm | seconds a picture, median | least | most |", "|---|---|---|---|"]
    for name, each in work.times.items():
        lines.append(f"| {name} | {median(each):.3f} | {min(each):.3f} | {max(each):.3f} |")
    lines += ["", "| goal | what | times as fast | to reach |", "|---|---|---|---|"]
    for number, ours, other, goal in (
        ("1", "Gesso, one", "diffusers, one", "≥ 1.5"),
        ("2", "Gesso over HTTP, one", "diffusers compiled, one", "≥ 0.97"),
        ("3", together_, mixed, "≥ 2.2"),
        ("3", together_, fast, "≥ 1.25"),
        ("4", f"Gesso, {many} that differ, together", f"diffusers compiled, {few} alike in one call", "≥ 0.95"),
        ("-", "diffusers compiled, one", "diffusers, one", "≥ 1: else the baseline is none"),
    ):
        if ours in work.times and other in work.times:
            ratio = median(work.times[other]) / median(work.times[ours])
            lines.append(f"| {number} | {ours}, beside: {other} | {ratio:.2f} | {goal} |")
    return "\n".join([*lines, "", *_memory(work), *_share(work)])


def _memory(work: Work) -> list[str]:
    """What one picture takes of the device beside the weights (goal 7), where it can be told."""
    told = [f"{name}: {work.peaks[name] / 2**30:.2f} GiB" for name in ("diffusers, one", "Gesso, one")]
    return [f"Most memory taken beside the weights: {', '.join(told)} (goal 7).", ""] if work.device == "cuda" else []


def _share(work: Work) -> list[str]:
    """How much of what the device does in matrix products alone the pictures of many clients take (goal 5)."""
    name = f"Gesso, {work.many} that differ, together"
    if not work.flops or work.device != "cuda" or name not in work.times:
        return []
    steps = sum(work.mixed) / len(work.mixed)
    rate = (work.flops[0] * steps + work.flops[1]) / median(work.times[name])
    most = _products(work)
    return [f"{rate:.0f} of {most:.0f} TFLOP/s that matrix products reach here: {rate / most:.2f} (goal 5: ≥ 0.65)."]


def _products(work: Work, side: int = 8192, times: int = 20) -> float:
    """TFLOP/s of products of square matrices."""
    import torch

    one = torch.randn(side, side, device=work.device, dtype=work.number)
    torch.matmul(one, one)
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(times):
        torch.matmul(one, one)
    torch.cuda.synchronize()
    return 2 * side**3 * times / (time.perf_counter() - begun) / 1e12


def on_a_card(parts: str, *, side: int, flops: tuple[float, float] | None, cases: int) -> None:
    """Measure the checkpoint of `configs/parts/<parts>` at full size, and print the table.

    Raises SystemExit where there is no CUDA device.
    """
    import torch

    if not torch.cuda.is_available():
        raise SystemExit(
            "This needs a CUDA device: at full size a processor takes hours. Its arms at toy size are tested."
        )
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        work = Work(name="random", models=models, side=side, device="cuda", number=torch.bfloat16, flops=flops)
        write_checkpoint(work, ROOT / "configs" / "parts" / parts)
        print(f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}\n")
        with watched(work.settings) as site:
            measure(work, site, cases)
        print(table(work))
