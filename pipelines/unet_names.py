"""A UNet's tensors by the names of single files (Stability AI's layout), from diffusers' names for them."""

import re
from collections.abc import Container

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
ENDS = {
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
MIDDLE = {"resnets.0": "0", "attentions.0": "1", "resnets.1": "2"}
PLACE = re.compile(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.*)")


def single_file_name(name: str, *, layers: int, attending_up: Container[int]) -> str:
    """layers: of each block downward. attending_up: the blocks upward that have attentions.

    Raises ValueError for a name that no such UNet has.
    """
    for end, there in ENDS.items():
        if name.startswith(end + "."):
            return there + name.removeprefix(end)
    name = re.sub(r"resnets\.(\d+)\.(\w+)\.", lambda found: f"resnets.{found[1]}.{RESNET[found[2]]}.", name)
    if name.startswith("mid_block."):
        part = ".".join(name.split(".")[1:3])
        return f"middle_block.{MIDDLE[part]}." + name.split(".", 3)[3]
    found = PLACE.fullmatch(name)
    if found is None:
        raise ValueError(f"no single file has a tensor for {name}")
    way, block, kind, layer, rest = found.groups()
    i, j = int(block), int(layer)
    if kind == "downsamplers":
        return f"input_blocks.{(layers + 1) * (i + 1)}.0.op." + rest.removeprefix("conv.")
    if kind == "upsamplers":
        return f"output_blocks.{(layers + 1) * i + layers}.{2 if i in attending_up else 1}.{rest}"
    number = (layers + 1) * i + j + (1 if way == "down" else 0)
    return f"{'input' if way == 'down' else 'output'}_blocks.{number}.{0 if kind == 'resnets' else 1}.{rest}"
