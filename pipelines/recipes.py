"""How a task is painted: its checkpoint, sampler, steps and the rest, from what is asked or else from its preset."""

from dataclasses import replace

from configs.settings import Settings
from masking.errors import InvalidValue, ModelMissing
from pipelines import checkpoints, companions, loras, performance, prompts, samplers, sources, suited
from pipelines.families import Checkpoint
from pipelines.loras import LoraWish
from pipelines.performance import Mode
from pipelines.plans import NO_ADM, NO_FREEU, USUAL_ADM, Adm, Lora, Recipe
from pipelines.presets import Preset
from pipelines.tasks import Task


def choose(
    task: Task, preset: Preset, checkpoint: Checkpoint, mode: str, settings: Settings, warnings: list[str]
) -> Recipe:
    """The recipe of a task on a checkpoint in a performance mode. Raises a `masking.errors.GessoError`."""
    fast = _fast(performance.find(mode), checkpoint, settings)
    task, preset = suited.suit(task, preset, checkpoint, mode, warnings)
    sampler, scheduler = _sampling(task, preset, checkpoint, warnings)
    vae = companions.vae(preset.vae if task.vae is None else task.vae, checkpoint, settings)
    _look_for_companions(task, preset, settings, warnings)
    engine = _engine(task, preset, checkpoint, settings, warnings)
    words = task.words()
    recipe = Recipe(
        prompt=prompts.one_line(preset.prompt if words is None else words),
        negative_prompt=prompts.one_line(
            preset.negative_prompt if task.negative_prompt is None else task.negative_prompt
        ),
        styles=preset.styles if task.styles is None else task.styles,
        checkpoint=checkpoint.name,
        steps=_steps(task, preset, performance.find(mode), fast is None, warnings),
        guidance_scale=preset.guidance_scale if task.guidance_scale is None else task.guidance_scale,
        sampler=sampler,
        scheduler=scheduler,
        clip_skip=_clip_skip(task, preset, checkpoint, warnings),
        deterministic=task.deterministic,
        sharpness=preset.sharpness if task.sharpness is None else task.sharpness,
        adaptive_cfg=preset.adaptive_cfg if task.adaptive_cfg is None else task.adaptive_cfg,
        freeu=NO_FREEU if task.freeu is None else task.freeu,
        vae=vae,
        adm=_adm(task, checkpoint, warnings),
        loras=_loras(task, preset, checkpoint, settings, warnings),
        black_out_nsfw=task.black_out_nsfw,
        inpaint_engine=engine,
    )
    return _quickened(recipe, fast, task, warnings) if fast else recipe


def find_checkpoint(task: Task, preset: Preset, usual: Preset, settings: Settings, warnings: list[str]) -> Checkpoint:
    """The checkpoint asked for, or the preset's; one of FooocusAPI's defaults that is missing gives way, which is told:
    to the preset's own, and that to the one of the server's `usual` preset.
    """
    asked = preset.checkpoint if task.checkpoint is None else task.checkpoint
    for name in dict.fromkeys((asked, preset.checkpoint)):
        try:
            found = checkpoints.find(name, settings)
        except (ModelMissing, InvalidValue) as problem:
            if checkpoints.is_fooocus_default(name):
                continue
            if name == preset.checkpoint and sources.tells_where(preset):
                raise sources.to_fetch(preset, settings, "checkpoint" if task.preset is None else "preset") from problem
            if task.checkpoint is None and task.preset is not None:
                problem.field = "preset"
            raise
        return _told(asked, found, preset, warnings)
    return _told(asked, checkpoints.find(usual.checkpoint, settings), usual, warnings)


def _told(asked: str, found: Checkpoint, preset: Preset, warnings: list[str]) -> Checkpoint:
    if found.name != asked:
        warnings.append(f"{asked} is not installed: {found.name} of preset {preset.name} takes its place.")
    return found


def _look_for_companions(task: Task, preset: Preset, settings: Settings, warnings: list[str]) -> None:
    """What else is asked for beside the checkpoint is refused where it cannot be had, or told."""
    if task.black_out_nsfw:
        companions.refuse_without_safety_checker(settings)
    if preset.refiner and task.preset is not None:
        warnings.append(f"The refiner {preset.refiner} of preset {preset.name} was not used: refiners come later.")


def _engine(task: Task, preset: Preset, checkpoint: Checkpoint, settings: Settings, warnings: list[str]) -> str:
    """The inpaint engine, where the task inpaints; one that is asked for must be there in any case."""
    if not task.inpaints and task.inpaint_engine is None:
        return ""
    engine = companions.inpaint_engine(task.inpaint_engine, preset.inpaint_engine, checkpoint, settings, warnings)
    return engine if task.inpaints else ""


def _sampling(task: Task, preset: Preset, checkpoint: Checkpoint, warnings: list[str]) -> tuple[str, str]:
    """Sampler and scheduler, each the nearest one that there is; the scheduler gives way to the sampler."""
    sampler = preset.sampler if task.sampler is None else task.sampler
    scheduler = preset.scheduler if task.scheduler is None else task.scheduler
    if section := checkpoint.sampling:
        sampler = samplers.check_own(section, "sampler", sampler, checkpoint.kind, warnings)
        return sampler, samplers.check_own(section, "scheduler", scheduler, checkpoint.kind, warnings)
    sampler = samplers.check("sampler", sampler, warnings)
    scheduler = samplers.check("scheduler", scheduler, warnings)
    fitting = samplers.schedulers_of(sampler)
    if scheduler in fitting:
        return sampler, scheduler
    warnings.append(f"The sampler {sampler} does not follow the scheduler {scheduler}: it runs with {fitting[0]}.")
    return sampler, fitting[0]


def _loras(
    task: Task, preset: Preset, checkpoint: Checkpoint, settings: Settings, warnings: list[str]
) -> tuple[Lora, ...]:
    if task.loras is None:
        wishes = [LoraWish(name=lora.name, weight=lora.weight, field="preset") for lora in preset.loras]
    else:
        wishes = [LoraWish(name=lora.name, weight=lora.weight, field="loras") for lora in task.loras if lora.weight]
    return loras.choose(wishes, checkpoint, settings, warnings)


def _fast(mode: Mode, checkpoint: Checkpoint, settings: Settings) -> Mode | None:
    """What a fast mode is made of, where its LoRA is there and fits the checkpoint."""
    if not mode.lora or mode.family != checkpoint.family:
        return None
    place = companions.installed("loras", settings).get(mode.lora)
    return mode if place and loras.fits(mode.lora, place, checkpoint) else None


def _quickened(recipe: Recipe, mode: Mode, task: Task, warnings: list[str]) -> Recipe:
    """The recipe as the mode's LoRA was made for: few steps without guidance, and nothing that works on it."""
    forced = replace(
        recipe,
        sampler=mode.sampler,
        scheduler=mode.scheduler,
        guidance_scale=1.0,
        sharpness=0.0,
        adaptive_cfg=1.0,
        adm=NO_ADM,
        loras=(*(lora for lora in recipe.loras if lora.name != mode.lora), Lora(name=mode.lora, weight=mode.weight)),
    )
    for name in ("sampler", "scheduler", "guidance_scale"):
        if getattr(task, name) is not None and getattr(recipe, name) != getattr(forced, name):
            used = getattr(forced, name)
            warnings.append(f"{mode.name} works with {name} {used}: {getattr(recipe, name)} was not used.")
    return forced


def _steps(task: Task, preset: Preset, mode: Mode, slow: bool, warnings: list[str]) -> int:
    """What was asked; else the mode that was asked; else the preset's own number; else its mode's."""
    if task.steps is not None:
        return task.steps
    if task.performance is None and preset.steps:
        return preset.steps
    if mode.lora and slow:
        warnings.append(
            f"{mode.name} takes {mode.steps} steps, with the sampler and guidance as they are: its LoRA {mode.lora}, "
            "which is for SDXL checkpoints, was not used, for it is not installed or does not fit."
        )
    return mode.steps


def _adm(task: Task, checkpoint: Checkpoint, warnings: list[str]) -> Adm:
    """What was asked, or the usual, where the checkpoint is told the picture's size at all."""
    adm = USUAL_ADM if task.adm is None else task.adm
    if checkpoint.told_size:
        return adm
    fields = ("adm_scaler_positive", "adm_scaler_negative", "adm_scaler_end")
    for name, asked, usual in zip(fields, adm, USUAL_ADM, strict=True):
        if asked != usual:
            warnings.append(
                f"{name} was not used: it is for SDXL, and {checkpoint.name} is not told the picture's size."
            )
    return NO_ADM


def _clip_skip(task: Task, preset: Preset, checkpoint: Checkpoint, warnings: list[str]) -> int:
    clip_skip = preset.clip_skip if task.clip_skip is None else task.clip_skip
    if clip_skip <= checkpoint.text_layers:
        return clip_skip
    most = checkpoint.text_layers
    warnings.append(f"clip_skip is {most} instead of {clip_skip}: the text encoder has no more layers.")
    return most
