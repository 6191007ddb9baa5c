"""How a task is painted: its checkpoint, sampler, steps and the rest, from what is asked or else from its preset."""

from configs.models import download_command
from configs.settings import Settings
from masking.errors import InvalidValue, ModelMissing
from pipelines import checkpoints, companions, performance, prompts, samplers, sources
from pipelines.families import Checkpoint
from pipelines.plans import NO_ADM, NO_FREEU, USUAL_ADM, Adm, Recipe
from pipelines.presets import Preset
from pipelines.tasks import Task


def choose(
    task: Task, preset: Preset, checkpoint: Checkpoint, mode: str, settings: Settings, warnings: list[str]
) -> Recipe:
    """The recipe of a task on a checkpoint in a performance mode. Raises a `masking.errors.GessoError`."""
    sampler, scheduler = _sampling(task, preset, warnings)
    vae = companions.vae(preset.vae if task.vae is None else task.vae, checkpoint, settings)
    _look_for_companions(task, preset, settings, warnings)
    words = task.words()
    return Recipe(
        prompt=prompts.one_line(preset.prompt if words is None else words),
        negative_prompt=prompts.one_line(
            preset.negative_prompt if task.negative_prompt is None else task.negative_prompt
        ),
        styles=preset.styles if task.styles is None else task.styles,
        checkpoint=checkpoint.name,
        steps=_steps(task, preset, mode, warnings),
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
    )


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
                raise _to_fetch(preset, settings, "checkpoint" if task.preset is None else "preset") from problem
            if task.checkpoint is None and task.preset is not None:
                problem.field = "preset"
            raise
        return _told(asked, found, preset, warnings)
    return _told(asked, checkpoints.find(usual.checkpoint, settings), usual, warnings)


def _to_fetch(preset: Preset, settings: Settings, field: str) -> ModelMissing:
    return ModelMissing(
        f"The checkpoint {preset.checkpoint!r} of preset {preset.name!r} is not installed. Fetch all that the preset "
        f"needs with: {download_command(preset.name, settings)}",
        field=field,
    )


def _told(asked: str, found: Checkpoint, preset: Preset, warnings: list[str]) -> Checkpoint:
    if found.name != asked:
        warnings.append(f"{asked} is not installed: {found.name} of preset {preset.name} takes its place.")
    return found


def _look_for_companions(task: Task, preset: Preset, settings: Settings, warnings: list[str]) -> None:
    """What else is asked for beside the checkpoint is refused where it cannot be had, or told."""
    if task.loras is None:
        loras = [(lora.name, "preset") for lora in preset.loras]
    else:
        loras = [(lora.name, "loras") for lora in task.loras if lora.weight]
    companions.refuse_loras(loras, settings, warnings)
    if task.black_out_nsfw:
        companions.refuse_safety_checker(settings)
    if task.inpaint_engine is not None:
        companions.inpaint_engine(task.inpaint_engine, settings, warnings)
    if preset.refiner and task.preset is not None:
        warnings.append(f"The refiner {preset.refiner} of preset {preset.name} was not used: refiners come later.")


def _sampling(task: Task, preset: Preset, warnings: list[str]) -> tuple[str, str]:
    """Sampler and scheduler, each the nearest one that there is; the scheduler gives way to the sampler."""
    sampler = samplers.check("sampler", preset.sampler if task.sampler is None else task.sampler, warnings)
    scheduler = samplers.check("scheduler", preset.scheduler if task.scheduler is None else task.scheduler, warnings)
    fitting = samplers.schedulers_of(sampler)
    if scheduler in fitting:
        return sampler, scheduler
    warnings.append(f"The sampler {sampler} does not follow the scheduler {scheduler}: it runs with {fitting[0]}.")
    return sampler, fitting[0]


def _steps(task: Task, preset: Preset, mode: str, warnings: list[str]) -> int:
    """What was asked; else the mode that was asked; else the preset's own number; else its mode's."""
    told: list[str] = []
    of_mode = performance.steps(mode, told)
    if task.steps is not None:
        return task.steps
    if task.performance is None and preset.steps:
        return preset.steps
    warnings += told
    return of_mode


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
