"""LoHa and LoKr as LoRA, which is what diffusers loads: the same change of every layer, at a higher rank.

Both tell a layer's change as a product of small matrices: LoHa element by element (Hyeon-Woo et al., "FedPara", 2022),
LoKr as Kronecker's (Yeh et al., "LyCORIS", 2023). Either is also a sum of as many columns times rows as the small
matrices' ranks come to when multiplied, so that nothing is lost.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.unet_names import single_file_name

if TYPE_CHECKING:
    from torch import Tensor

PARTS = {
    f"{form}_{part}"
    for form, parts in {"hada": ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2"), "lokr": ("w1", "w2", "t2")}.items()
    for part in (*parts, *(f"{each}_{side}" for each in ("w1", "w2") for side in "ab" if form == "lokr"))
}
"""The ends of their tensors' names."""


def as_loras(state: Mapping[str, "Tensor"], kernels: Mapping[str, tuple[int, ...]]) -> dict[str, "Tensor"]:
    """A file's tensors with LoRA's in the place of LoHa's and LoKr's; others as they are.

    kernels: height and width of the convolutions of the model, by their names in such files. Raises KeyError or
    RuntimeError for a file whose tensors do not belong together.
    """
    layers: dict[str, dict[str, Tensor]] = {}
    made: dict[str, Tensor] = {}
    for name, value in state.items():
        layer, _, part = name.rpartition(".")
        if part in PARTS:
            layers.setdefault(layer, {})[part] = value.float()
        else:
            made[name] = value
    pairs = {layer: _pair(parts, made.pop(f"{layer}.alpha", None)) for layer, parts in layers.items()}
    longest = max((down.shape[0] for layer, (_, down) in pairs.items() if "." in layer), default=0)
    for layer, (up, down) in pairs.items():
        if "." in layer:
            made |= _peft(layer, up, down, longest)
        else:
            made |= _kohya(layer, up, down, kernels.get(layer, ()))
    return made


def kernels(unet: Any) -> dict[str, tuple[int, ...]]:
    """Of every convolution of a UNet, by diffusers' name in a LoRA file and by the one of single files."""
    from torch.nn import Conv2d

    attending = {i for i, block in enumerate(unet.up_blocks) if hasattr(block, "attentions")}
    found: dict[str, tuple[int, ...]] = {}
    for name, layer in unet.named_modules():
        name = name.removesuffix(".base_layer")  # peft's, where another LoRA has been put on already
        if isinstance(layer, Conv2d) and ".lora_" not in name:
            there = single_file_name(f"{name}.weight", layers=unet.config.layers_per_block, attending_up=attending)
            for each in (name, there.removesuffix(".weight")):
                found[f"lora_unet_{each.replace('.', '_')}"] = layer.kernel_size
    return found


def _pair(parts: Mapping[str, "Tensor"], alpha: "Tensor | None") -> tuple["Tensor", "Tensor"]:
    """The change of a layer as up, out × rank, and down, rank × in (of a convolution: × height × width)."""
    return _loha(parts, alpha) if "hada_w1_a" in parts else _lokr(parts, alpha)


def _loha(parts: Mapping[str, "Tensor"], alpha: "Tensor | None") -> tuple["Tensor", "Tensor"]:
    import torch

    scale = 1.0 if alpha is None else float(alpha) / parts["hada_w1_b"].shape[0]
    first, second = ((parts[f"hada_w{i}_a"], parts[f"hada_w{i}_b"], parts.get(f"hada_t{i}")) for i in (1, 2))
    if first[2] is None:
        rank, (out, within) = first[0].shape[1] * second[0].shape[1], (first[0].shape[0], first[1].shape[1])
        if rank <= min(out, within):
            up = torch.einsum("ip,iq->ipq", first[0], second[0]).reshape(out, rank)
            return up * scale, torch.einsum("pj,qj->pqj", first[1], second[1]).reshape(rank, within)
        return _split(first[0] @ first[1] * (second[0] @ second[1]) * scale)
    one, two = (torch.einsum("pqkl,po,qi->oikl", core, out, within) for out, within, core in (first, second))
    return _split(one * two * scale)


def _lokr(parts: Mapping[str, "Tensor"], alpha: "Tensor | None") -> tuple["Tensor", "Tensor"]:
    """Of each factor a left and a right matrix; Kronecker's product of both sides is that of the whole."""
    import torch

    low = next((parts[name] for name in ("lokr_w2_b", "lokr_w1_b") if name in parts), None)
    scale = 1.0 if alpha is None or low is None else float(alpha) / low.shape[0]
    sides = []
    for i in (1, 2):
        if f"lokr_t{i}" in parts:
            core, out, within = parts["lokr_t2"], parts["lokr_w2_a"], parts["lokr_w2_b"]
            sides.append(_split(torch.einsum("pqkl,po,qi->oikl", core, out, within)))
        elif f"lokr_w{i}_a" in parts:
            sides.append((parts[f"lokr_w{i}_a"], parts[f"lokr_w{i}_b"]))
        else:
            sides.append(_split(parts[f"lokr_w{i}"]))
    (left, right), (other_left, other_right) = sides
    if other_right.ndim == 4:
        return torch.kron(left, other_left) * scale, torch.kron(right[..., None, None], other_right.contiguous())
    return torch.kron(left, other_left) * scale, torch.kron(right, other_right)


def _split(whole: "Tensor") -> tuple["Tensor", "Tensor"]:
    """A matrix (of a convolution: out × in × height × width) as a product with the smaller of two identities."""
    import torch

    out, within = whole.shape[:2]
    if out <= within or whole.ndim == 4:
        return torch.eye(out), whole
    return whole, torch.eye(within)


def _kohya(layer: str, up: "Tensor", down: "Tensor", kernel: tuple[int, ...]) -> dict[str, "Tensor"]:
    """As kohya's scripts write it: with one alpha for all layers, for diffusers loses alphas that differ."""
    import torch

    up = up * down.shape[0]
    if kernel:
        up, down = up[..., None, None], down.reshape(down.shape[0], -1, *kernel)
    named = {"lora_down.weight": down, "lora_up.weight": up, "alpha": torch.tensor(1.0)}
    return {f"{layer}.{name}": value.contiguous() for name, value in named.items()}


def _peft(layer: str, up: "Tensor", down: "Tensor", rank: int) -> dict[str, "Tensor"]:
    """As peft writes it: without an alpha, hence with one rank for all layers."""
    from torch.nn.functional import pad

    more = rank - down.shape[0]
    up, down = pad(up, (0, more)), pad(down, (0, 0, 0, more))
    return {f"{layer}.lora_A.weight": down.contiguous(), f"{layer}.lora_B.weight": up.contiguous()}
