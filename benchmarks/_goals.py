"""What the arms of `_unets.py` have taken, and which goals of ours that answers."""

import time
from statistics import median

from benchmarks._unets import Work


def table(work: Work) -> str:
    """Medians with the spread, beside raw diffusers; which goals they answer."""
    few, many = len(work.mixed), work.many
    mixed, together_ = f"diffusers, {few} that differ, one by one", f"Gesso, {few} that differ, together"
    fast = f"diffusers compiled, {few} that differ, one by one"
    alike = f"diffusers compiled, {few} alike in one call"
    lines = ["| arm | seconds a picture, median | least | most |", "|---|---|---|---|"]
    for name, each in work.times.items():
        lines.append(f"| {name} | {median(each):.3f} | {min(each):.3f} | {max(each):.3f} |")
    lines += ["", "| goal | what | times as fast | to reach |", "|---|---|---|---|"]
    for number, ours, other, goal in (
        ("1", "Gesso, one", "diffusers, one", "≥ 1.5"),
        ("1", "Gesso compiled, one", "diffusers, one", "≥ 1.5"),
        ("2", "Gesso compiled over HTTP, one", "diffusers compiled, one", "≥ 0.97"),
        ("2", "Gesso compiled, one", "diffusers compiled, one", "≥ 0.97, without HTTP"),
        ("3", together_, mixed, "≥ 2.2"),
        ("3", together_, fast, "≥ 1.25"),
        ("3", f"Gesso compiled, {few} that differ, together", mixed, "≥ 2.2"),
        ("3", f"Gesso compiled, {few} that differ, together", fast, "≥ 1.25"),
        ("4", f"Gesso, {many} that differ, together", alike, "≥ 0.95"),
        ("4", f"Gesso compiled, {many} that differ, together", alike, "≥ 0.95"),
        ("6", f"Gesso fp8, {many} that differ, together", f"Gesso compiled, {many} that differ, together", "≥ 1.2"),
        ("-", "diffusers compiled, one", "diffusers, one", "≥ 1: else the baseline is none"),
    ):
        if ours in work.times and other in work.times:
            ratio = median(work.times[other]) / median(work.times[ours])
            lines.append(f"| {number} | {ours}, beside: {other} | {ratio:.2f} | {goal} |")
    return "\n".join([*lines, "", *_memory(work), *_share(work)])


def _memory(work: Work) -> list[str]:
    """What one picture takes of the device beside the weights (goal 7), where it can be told."""
    told = [f"{name}: {work.peaks[name] / 2**30:.2f} GiB" for name in work.peaks if name.endswith(", one")]
    return [f"Most memory taken beside the weights: {', '.join(told)} (goal 7).", ""] if work.device == "cuda" else []


def _share(work: Work) -> list[str]:
    """How much of what the device does in matrix products alone the pictures of many clients take (goal 5)."""
    names = [
        name for name in work.times if name.startswith("Gesso") and name.endswith(f"{work.many} that differ, together")
    ]
    if not work.flops or work.device != "cuda":
        return []
    steps, most = sum(work.mixed) / len(work.mixed), _products(work)
    rates = {name: (work.flops[0] * steps + work.flops[1]) / median(work.times[name]) for name in names}
    return [
        f"{name}: {rate:.0f} of {most:.0f} TFLOP/s that matrix products reach here: {rate / most:.2f} (goal 5: ≥ 0.65)."
        for name, rate in rates.items()
    ]


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
