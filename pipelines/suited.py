"""A request suited to checkpoints that do not do all that Stable Diffusion does: what has no effect there is told."""

from dataclasses import replace

from pipelines import emphasis, samplers
from pipelines.families import Checkpoint
from pipelines.plans import NEVER_ADAPTIVE, NO_FREEU
from pipelines.presets import Preset
from pipelines.samplers import Part
from pipelines.tasks import Task
from pipelines.usual import Usual

WITHOUT_EFFECT = {"sharpness": 0.0, "adaptive_cfg": NEVER_ADAPTIVE, "clip_skip": 1, "freeu": NO_FREEU}
"""The fields that are Stable Diffusion's alone, and what each of them is without effect."""


def suit(task: Task, preset: Preset, checkpoint: Checkpoint, mode: str, warnings: list[str]) -> tuple[Task, Preset]:
    """Task and preset with nothing in them that the checkpoint cannot do, and with its own usual values.

    A preset that is made for this very checkpoint keeps what it says; of any other the checkpoint's usual values take
    the place. What was asked for and is not done is told.
    """
    usual = checkpoint.usual
    if usual is None:
        return task, preset
    warnings += checkpoint.caveats
    own = preset.checkpoint == checkpoint.name
    for name in WITHOUT_EFFECT:
        asked = getattr(task, name)
        if asked is not None and asked not in (WITHOUT_EFFECT[name], getattr(preset, name, None)):
            warnings.append(f"{name} was not used: it is for Stable Diffusion, and {checkpoint.name} is none of it.")
    task = replace(task, sharpness=None, adaptive_cfg=None, clip_skip=None, freeu=None)
    if task.steps is None and not (own and preset.steps and task.performance is None):
        task = replace(task, steps=usual.steps.get(mode))
    task, preset = _sampling(task, preset, checkpoint, own, warnings)
    scale = preset.guidance_scale if own else usual.guidance_scale
    if usual.guided == "not":
        if task.guidance_scale not in (None, usual.guidance_scale):
            warnings.append(f"guidance_scale was not used: {checkpoint.kind} was made to need none.")
        task, scale = replace(task, guidance_scale=None), usual.guidance_scale
    preset = replace(preset, guidance_scale=scale, sharpness=0.0, adaptive_cfg=NEVER_ADAPTIVE, clip_skip=1)
    preset = preset if own else _without_companions(task, replace(preset, steps=0), warnings)
    warnings += _told_of_words(task, preset, checkpoint, usual)
    return task, preset


def _without_companions(task: Task, preset: Preset, warnings: list[str]) -> Preset:
    """A preset without the files that go with its own checkpoint."""
    names = [lora.name for lora in preset.loras] if task.loras is None else []
    names += [preset.vae] if preset.vae and task.vae is None else []
    if names:
        warnings.append(f"{', '.join(names)} of preset {preset.name} was not used: it is for other checkpoints.")
    return replace(preset, loras=(), vae="")


def _sampling(
    task: Task, preset: Preset, checkpoint: Checkpoint, own: bool, warnings: list[str]
) -> tuple[Task, Preset]:
    """Sampler and scheduler as flow matching has them."""
    section = checkpoint.sampling
    parts: tuple[Part, Part] = ("sampler", "scheduler")
    used: dict[str, str] = {}
    for part in parts:
        asked = getattr(task, part) or (getattr(preset, part) if own else samplers.own_names(section, part)[0])
        used[part] = samplers.check_own(section, part, asked, checkpoint.kind, warnings)
    sampler, scheduler = used["sampler"], used["scheduler"]
    return replace(task, sampler=None, scheduler=None), replace(preset, sampler=sampler, scheduler=scheduler)


def _told_of_words(task: Task, preset: Preset, checkpoint: Checkpoint, usual: Usual) -> list[str]:
    told = []
    negative = preset.negative_prompt if task.negative_prompt is None else task.negative_prompt
    scale = preset.guidance_scale if task.guidance_scale is None else task.guidance_scale
    if negative.strip() and usual.guided != "against":
        told.append(f"negative_prompt was not used: {checkpoint.kind} is not guided against one.")
    elif negative.strip() and scale <= usual.unguided:
        told.append(
            f"negative_prompt was not used: it takes a guidance_scale above {usual.unguided:g}, and it is {scale:g}."
        )
    words = preset.prompt if (asked := task.words()) is None else asked
    if any(span.weight != 1 for span in emphasis.spans(words)):
        told.append(f"The weights of words in brackets were not used: {checkpoint.kind} reads all words alike.")
    return told
