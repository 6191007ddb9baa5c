"""Attention's projections as one product in the place of two or three, while nothing hangs on the single ones.

diffusers' own `fuse_qkv_projections` keeps the single weights beside the joint ones; here they are held once.
"""

from typing import Any

SINGLE = ("to_q", "to_k", "to_v")


def join(model: Any) -> None:
    """Have every plain attention of a UNet make its queries, keys and values (of other words: keys and values) at once.

    A LoRA or a patch is for the single ones: `part` comes before it.
    """
    from diffusers.models.attention_processor import Attention

    for layer in model.modules():
        if isinstance(layer, Attention) and _is_plain(layer):
            _join(layer)


def part(model: Any) -> bool:
    """What `join` made, the way back, to the bit; the single weights are then parts of the joint ones, not copies.

    Whether there was anything to part.
    """
    from diffusers.hooks.group_offloading import _maybe_remove_and_reapply_group_offloading
    from diffusers.models.attention_processor import Attention

    joined = [layer for layer in model.modules() if isinstance(layer, Attention) and layer.fused_projections]
    for layer in joined:
        _part(layer)
    if joined:
        _maybe_remove_and_reapply_group_offloading(model)  # whose hooks hang on single layers
    return bool(joined)


def _is_plain(layer: Any) -> bool:
    from diffusers.models.attention_processor import AttnProcessor2_0
    from torch import nn

    single = [getattr(layer, name) for name in SINGLE]
    return (
        type(layer.processor) is AttnProcessor2_0
        and layer.add_k_proj is None
        and all(type(each) is nn.Linear for each in single)
        and len({each.out_features for each in single}) == 1
    )


def _names(layer: Any) -> tuple[str, tuple[str, ...]]:
    return ("to_kv", SINGLE[1:]) if layer.is_cross_attention else ("to_qkv", SINGLE)


def _join(layer: Any) -> None:
    import torch
    from diffusers.models.attention_processor import FusedAttnProcessor2_0

    name, names = _names(layer)
    single = [getattr(layer, each) for each in names]
    bias = None if single[0].bias is None else torch.cat([each.bias.data for each in single])
    setattr(layer, name, _linear(torch.cat([each.weight.data for each in single]), bias, single[0]))
    for each in names:
        setattr(layer, each, None)
    layer.set_processor(FusedAttnProcessor2_0())
    layer.fused_projections = True


def _part(layer: Any) -> None:
    from diffusers.models.attention_processor import AttnProcessor2_0

    name, names = _names(layer)
    joint = getattr(layer, name)
    of_eight_bits = hasattr(joint, "chunks")
    singles = joint.chunks(len(names)) if of_eight_bits else _chunks(joint, len(names))
    for each, single in zip(names, singles, strict=True):
        setattr(layer, each, single)
    delattr(layer, name)
    layer.set_processor(AttnProcessor2_0())
    layer.fused_projections = False


def _chunks(joint: Any, number: int) -> list[Any]:
    weights = joint.weight.data.chunk(number)
    biases = [None] * number if joint.bias is None else joint.bias.data.chunk(number)
    return [_linear(weight, bias, joint) for weight, bias in zip(weights, biases, strict=True)]


def _linear(weight: Any, bias: Any, like: Any) -> Any:
    from torch import nn

    made = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta", dtype=weight.dtype)
    made.weight = nn.Parameter(weight, requires_grad=like.weight.requires_grad)
    if bias is not None:
        made.bias = nn.Parameter(bias, requires_grad=like.bias.requires_grad)
    return made.train(like.training)
