"""What the published single files hold: every tensor's name and shape, in the layout of those who trained them.

Written down from the constructors of the original code (CompVis and Stability AI `openaimodel.UNetModel`,
`autoencoder`, OpenCLIP, `mmditx`; Black Forest Labs `flux`; ComfyUI's repacks of Z-Image and Qwen-Image) and checked
against headers and counts of parameters that others have published, see `tests/pipelines/test_published.py`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

Shape = tuple[int, ...]
Tensors = dict[str, Shape]


def _below(begin: str, tensors: Tensors) -> Tensors:
    return {f"{begin}.{name}": shape for name, shape in tensors.items()}


def _linear(name: str, out: int, within: int, *, bias: bool = True) -> Tensors:
    return {f"{name}.weight": (out, within)} | ({f"{name}.bias": (out,)} if bias else {})


def _conv(name: str, out: int, within: int, size: int = 3) -> Tensors:
    return {f"{name}.weight": (out, within, size, size), f"{name}.bias": (out,)}


def _norm(name: str, width: int) -> Tensors:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _residual(within: int, out: int, emb: int) -> Tensors:
    made = _norm("in_layers.0", within) | _conv("in_layers.2", out, within) | _linear("emb_layers.1", out, emb)
    made |= _norm("out_layers.0", out) | _conv("out_layers.3", out, out)
    return made | (_conv("skip_connection", out, within, 1) if within != out else {})


def _attending(width: int, depth: int, context: int, *, linear: bool) -> Tensors:
    made = _norm("norm", width)
    for name in ("proj_in", "proj_out"):
        made |= _linear(name, width, width) if linear else _conv(name, width, width, 1)
    for i in range(depth):
        block: Tensors = {}
        for attention, seen in (("attn1", width), ("attn2", context)):
            block |= _linear(f"{attention}.to_q", width, width, bias=False)
            block |= _linear(f"{attention}.to_k", width, seen, bias=False)
            block |= _linear(f"{attention}.to_v", width, seen, bias=False)
            block |= _linear(f"{attention}.to_out.0", width, width)
        block |= _linear("ff.net.0.proj", 8 * width, width) | _linear("ff.net.2", width, 4 * width)
        block |= _norm("norm1", width) | _norm("norm2", width) | _norm("norm3", width)
        made |= _below(f"transformer_blocks.{i}", block)
    return made


def unet(
    *, channels: int = 4, steps: Sequence[int], depths: Sequence[int], context: int, linear: bool, told: int = 0
) -> Tensors:
    """openaimodel.UNetModel of 320 channels; steps: by how much each level widens. told: width of what SDXL is told."""
    base, emb = 320, 1280
    made = _linear("time_embed.0", emb, base) | _linear("time_embed.2", emb, emb)
    made |= _linear("label_emb.0.0", emb, told) | _linear("label_emb.0.2", emb, emb) if told else {}
    made |= _conv("input_blocks.0.0", base, channels)
    width, seen, place = base, [base], 1
    for level, step in enumerate(steps):
        for _ in range(2):
            made |= _below(f"input_blocks.{place}.0", _residual(width, base * step, emb))
            width = base * step
            if depths[level]:
                made |= _below(f"input_blocks.{place}.1", _attending(width, depths[level], context, linear=linear))
            seen.append(width)
            place += 1
        if level < len(steps) - 1:
            made |= _conv(f"input_blocks.{place}.0.op", width, width)
            seen.append(width)
            place += 1
    made |= _below("middle_block.0", _residual(width, width, emb))
    made |= _below("middle_block.1", _attending(width, max(depths[-1], 1), context, linear=linear))
    made |= _below("middle_block.2", _residual(width, width, emb))
    place = 0
    for level in reversed(range(len(steps))):
        for i in range(3):
            made |= _below(f"output_blocks.{place}.0", _residual(width + seen.pop(), base * steps[level], emb))
            width, after = base * steps[level], 1
            if depths[level]:
                made |= _below(f"output_blocks.{place}.1", _attending(width, depths[level], context, linear=linear))
                after = 2
            if level and i == 2:
                made |= _conv(f"output_blocks.{place}.{after}.conv", width, width)
            place += 1
    return made | _norm("out.0", width) | _conv("out.2", 4, width)


def _block(within: int, out: int) -> Tensors:
    made = _norm("norm1", within) | _conv("conv1", out, within) | _norm("norm2", out) | _conv("conv2", out, out)
    return made | (_conv("nin_shortcut", out, within, 1) if within != out else {})


def _middle(width: int) -> Tensors:
    made = _below("mid.block_1", _block(width, width)) | _below("mid.block_2", _block(width, width))
    made |= _norm("mid.attn_1.norm", width)
    for name in ("q", "k", "v", "proj_out"):
        made |= _conv(f"mid.attn_1.{name}", width, width, 1)
    return made


def vae(*, channels: int, quant: bool) -> Tensors:
    """autoencoder.AutoencoderKL of 128 channels; quant: with the convolutions around its latents."""
    widths = (128, 256, 512, 512)
    encoder, decoder = _conv("conv_in", 128, 3), _conv("conv_in", 512, channels)
    before = 128
    for level, width in enumerate(widths):
        for i in range(2):
            encoder |= _below(f"down.{level}.block.{i}", _block(before, width))
            before = width
        if level < 3:
            encoder |= _conv(f"down.{level}.downsample.conv", width, width)
    encoder |= _middle(512) | _norm("norm_out", 512) | _conv("conv_out", 2 * channels, 512)
    decoder |= _middle(512)
    for level in reversed(range(4)):
        for i in range(3):
            decoder |= _below(f"up.{level}.block.{i}", _block(before, widths[level]))
            before = widths[level]
        if level:
            decoder |= _conv(f"up.{level}.upsample.conv", before, before)
    decoder |= _norm("norm_out", 128) | _conv("conv_out", 3, 128)
    made = _below("encoder", encoder) | _below("decoder", decoder)
    if quant:
        made |= _conv("quant_conv", 2 * channels, 2 * channels, 1) | _conv("post_quant_conv", channels, channels, 1)
    return made


def clip(*, width: int, layers: int, projection: bool = False, position_ids: bool = False) -> Tensors:
    """transformers' CLIPTextModel, as files with `transformer.` before its names have it."""
    made: Tensors = {
        "embeddings.token_embedding.weight": (49408, width),
        "embeddings.position_embedding.weight": (77, width),
    }
    made |= {"embeddings.position_ids": (1, 77)} if position_ids else {}
    for i in range(layers):
        layer = _norm("layer_norm1", width) | _norm("layer_norm2", width)
        for name in ("q", "k", "v", "out"):
            layer |= _linear(f"self_attn.{name}_proj", width, width)
        layer |= _linear("mlp.fc1", 4 * width, width) | _linear("mlp.fc2", width, 4 * width)
        made |= _below(f"encoder.layers.{i}", layer)
    made = _below("transformer.text_model", made | _norm("final_layer_norm", width))
    return made | ({"transformer.text_projection.weight": (width, width)} if projection else {})


def open_clip(*, width: int, layers: int) -> Tensors:
    """OpenCLIP's text tower, as files with `model.` before its names have it."""
    made: Tensors = {
        "positional_embedding": (77, width),
        "text_projection": (width, width),
        "logit_scale": (),
        "token_embedding.weight": (49408, width),
    }
    for i in range(layers):
        layer: Tensors = {"attn.in_proj_weight": (3 * width, width), "attn.in_proj_bias": (3 * width,)}
        layer |= _linear("attn.out_proj", width, width) | _norm("ln_1", width) | _norm("ln_2", width)
        layer |= _linear("mlp.c_fc", 4 * width, width) | _linear("mlp.c_proj", width, 4 * width)
        made |= _below(f"transformer.resblocks.{i}", layer)
    return _below("model", made | _norm("ln_final", width))


def t5() -> Tensors:
    """The encoder of T5 v1.1 XXL."""
    made: Tensors = {"shared.weight": (32128, 4096), "encoder.final_layer_norm.weight": (4096,)}
    for i in range(24):
        block: Tensors = {f"layer.0.SelfAttention.{name}.weight": (4096, 4096) for name in "qkvo"}
        block |= {"layer.0.SelfAttention.relative_attention_bias.weight": (32, 64)} if i == 0 else {}
        block |= {"layer.0.layer_norm.weight": (4096,), "layer.1.layer_norm.weight": (4096,)}
        block |= {f"layer.1.DenseReluDense.{name}.weight": (10240, 4096) for name in ("wi_0", "wi_1")}
        block["layer.1.DenseReluDense.wo.weight"] = (4096, 10240)
        made |= _below(f"encoder.block.{i}", block)
    return _below("transformer", made)


def mmdit(*, depth: int, side: int, normed: bool = False, dual: int = 0) -> Tensors:
    """mmditx.MMDiTX; side: cells of the largest picture it knows. dual: so many blocks attend twice."""
    width = 64 * depth
    made: Tensors = {"pos_embed": (1, side * side, width)}
    made |= {"x_embedder.proj.weight": (width, 16, 2, 2), "x_embedder.proj.bias": (width,)}
    made |= _linear("t_embedder.mlp.0", width, 256) | _linear("t_embedder.mlp.2", width, width)
    made |= _linear("y_embedder.mlp.0", width, 2048) | _linear("y_embedder.mlp.2", width, width)
    made |= _linear("context_embedder", width, 4096)
    for i in range(depth):
        for part in ("x_block", "context_block"):
            last, twice = part == "context_block" and i == depth - 1, part == "x_block" and i < dual
            block = _linear("adaLN_modulation.1", (2 if last else 9 if twice else 6) * width, width)
            for attention in ("attn", "attn2")[: 2 if twice else 1]:
                block |= _linear(f"{attention}.qkv", 3 * width, width)
                block |= {f"{attention}.ln_{name}.weight": (64,) for name in "qk"} if normed else {}
                block |= {} if last else _linear(f"{attention}.proj", width, width)
            if not last:
                block |= _linear("mlp.fc1", 4 * width, width) | _linear("mlp.fc2", width, 4 * width)
            made |= _below(f"joint_blocks.{i}.{part}", block)
    return made | _linear("final_layer.linear", 64, width) | _linear("final_layer.adaLN_modulation.1", 2 * width, width)


def _two_scales(begin: str) -> Tensors:
    return {f"{begin}.norm.{name}_norm.scale": (128,) for name in ("query", "key")}


def flux(*, channels: int = 64, guided: bool) -> Tensors:
    """FLUX.1's transformer: 19 double blocks and 38 single ones."""
    width = 3072
    made = _linear("img_in", width, channels) | _linear("txt_in", width, 4096)
    for name, within in (("time_in", 256), ("vector_in", 768), ("guidance_in", 256))[: 3 if guided else 2]:
        made |= _linear(f"{name}.in_layer", width, within) | _linear(f"{name}.out_layer", width, width)
    for i in range(19):
        for part in ("img", "txt"):
            block = _linear(f"{part}_mod.lin", 6 * width, width) | _linear(f"{part}_attn.qkv", 3 * width, width)
            block |= _two_scales(f"{part}_attn") | _linear(f"{part}_attn.proj", width, width)
            block |= _linear(f"{part}_mlp.0", 4 * width, width) | _linear(f"{part}_mlp.2", width, 4 * width)
            made |= _below(f"double_blocks.{i}", block)
    for i in range(38):
        block = _linear("linear1", 7 * width, width) | _linear("linear2", width, 5 * width)
        block |= {f"norm.{name}_norm.scale": (128,) for name in ("query", "key")}
        made |= _below(f"single_blocks.{i}", block | _linear("modulation.lin", 3 * width, width))
    return made | _linear("final_layer.linear", 64, width) | _linear("final_layer.adaLN_modulation.1", 2 * width, width)


def flux2(*, width: int, words: int, double: int, single: int, guided: bool) -> Tensors:
    """FLUX.2's transformer, which has no bias anywhere; words: width of what its text encoder tells."""
    sizes = {"img_in": (width, 128), "txt_in": (width, words), "final_layer.linear": (128, width)}
    sizes |= {"final_layer.adaLN_modulation.1": (2 * width, width)}
    sizes |= {f"double_stream_modulation_{part}.lin": (6 * width, width) for part in ("img", "txt")}
    sizes |= {"single_stream_modulation.lin": (3 * width, width)}
    for name in ("time_in", "guidance_in")[: 2 if guided else 1]:
        sizes |= {f"{name}.in_layer": (width, 256), f"{name}.out_layer": (width, width)}
    made: Tensors = {}
    for i in range(double):
        for part in ("img", "txt"):
            begin = f"double_blocks.{i}.{part}"
            sizes |= {f"{begin}_attn.qkv": (3 * width, width), f"{begin}_attn.proj": (width, width)}
            sizes |= {f"{begin}_mlp.0": (6 * width, width), f"{begin}_mlp.2": (width, 3 * width)}
            made |= _two_scales(f"{begin}_attn")
    for i in range(single):
        sizes |= {f"single_blocks.{i}.linear1": (9 * width, width), f"single_blocks.{i}.linear2": (width, 4 * width)}
        made |= _two_scales(f"single_blocks.{i}")
    return made | {f"{name}.weight": size for name, size in sizes.items()}


def z_image() -> Tensors:
    """Z-Image's transformer as ComfyUI repacks it."""
    width, made = 3840, dict[str, Shape]()
    made |= {"cap_pad_token": (1, width), "x_pad_token": (1, width), "cap_embedder.0.weight": (2560,)}
    made |= _linear("cap_embedder.1", width, 2560) | _linear("x_embedder", width, 64)
    made |= _linear("t_embedder.mlp.0", 1024, 256) | _linear("t_embedder.mlp.2", 256, 1024)
    made |= _linear("final_layer.linear", 64, width) | _linear("final_layer.adaLN_modulation.1", width, 256)
    for stack, count in (("context_refiner", 2), ("noise_refiner", 2), ("layers", 30)):
        for i in range(count):
            block: Tensors = {"attention.qkv.weight": (3 * width, width), "attention.out.weight": (width, width)}
            block |= {"attention.q_norm.weight": (128,), "attention.k_norm.weight": (128,)}
            block |= {f"{name}_norm{n}.weight": (width,) for name in ("attention", "ffn") for n in (1, 2)}
            block |= {f"feed_forward.{name}.weight": (10240, width) for name in ("w1", "w3")}
            block["feed_forward.w2.weight"] = (width, 10240)
            block |= {} if stack == "context_refiner" else _linear("adaLN_modulation.0", 4 * width, 256)
            made |= _below(f"{stack}.{i}", block)
    return made


def qwen_image() -> Tensors:
    """Qwen-Image's transformer, whose single files keep diffusers' names."""
    width = 3072
    made = _linear("img_in", width, 64) | _linear("txt_in", width, 3584) | _linear("proj_out", 64, width)
    made |= {"txt_norm.weight": (3584,)} | _linear("norm_out.linear", 2 * width, width)
    for layer, within in (("linear_1", 256), ("linear_2", width)):
        made |= _linear(f"time_text_embed.timestep_embedder.{layer}", width, within)
    for i in range(60):
        block: Tensors = {f"attn.norm_{name}.weight": (128,) for name in ("q", "k", "added_q", "added_k")}
        for name in ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0", "to_add_out"):
            block |= _linear(f"attn.{name}", width, width)
        for part in ("img", "txt"):
            block |= _linear(f"{part}_mod.1", 6 * width, width) | _linear(f"{part}_mlp.net.0.proj", 4 * width, width)
            block |= _linear(f"{part}_mlp.net.2", width, 4 * width)
        made |= _below(f"transformer_blocks.{i}", block)
    return made


SD1: dict[str, Any] = {"steps": (1, 2, 4, 4), "depths": (1, 1, 1, 0), "context": 768, "linear": False}
SD2: dict[str, Any] = {"steps": (1, 2, 4, 4), "depths": (1, 1, 1, 0), "context": 1024, "linear": True}
SDXL: dict[str, Any] = {"steps": (1, 2, 4), "depths": (0, 2, 10), "context": 2048, "linear": True, "told": 2816}


def files() -> Iterator[tuple[str, Tensors]]:
    """Each file by its published name, whole."""
    for name, channels in (("v1-5-pruned-emaonly.safetensors", 4), ("sd-v1-5-inpainting.safetensors", 9)):
        yield name, _with_schedule(SD1, channels, clip(width=768, layers=12, position_ids=True))
    for name, channels in (("v2-1_768-ema-pruned.safetensors", 4), ("512-inpainting-ema.safetensors", 9)):
        yield name, _with_schedule(SD2, channels, open_clip(width=1024, layers=24))
    for name, channels in (("sd_xl_base_1.0.safetensors", 4), ("sd_xl_base_1.0_inpainting_0.1.safetensors", 9)):
        made = _below("model.diffusion_model", unet(channels=channels, **SDXL))
        made |= _below("first_stage_model", vae(channels=4, quant=True))
        made |= _below("conditioner.embedders.0", clip(width=768, layers=12, position_ids=True))
        yield name, made | _below("conditioner.embedders.1", open_clip(width=1280, layers=32))
    towers = _below("clip_l", clip(width=768, layers=12, projection=True))
    towers |= _below("clip_g", clip(width=1280, layers=32, projection=True)) | _below("t5xxl", t5())
    sizes: tuple[tuple[str, dict[str, Any], Tensors], ...] = (
        ("sd3_medium_incl_clips_t5xxlfp16.safetensors", {"depth": 24, "side": 192}, towers),
        ("sd3.5_medium.safetensors", {"depth": 24, "side": 384, "normed": True, "dual": 13}, {}),
        ("sd3.5_large.safetensors", {"depth": 38, "side": 192, "normed": True}, {}),
    )
    for name, kind, words in sizes:
        made = _below("model.diffusion_model", mmdit(**kind)) | _below("text_encoders", words)
        yield name, made | _below("first_stage_model", vae(channels=16, quant=False))
    yield "flux1-dev.safetensors", flux(guided=True)
    yield "flux1-schnell.safetensors", flux(guided=False)
    yield "flux1-fill-dev.safetensors", flux(channels=384, guided=True)
    words = _below("clip_l", clip(width=768, layers=12)) | _below("t5xxl", t5())
    made = _below("model.diffusion_model", flux(guided=True)) | _below("vae", vae(channels=16, quant=False))
    yield "flux1-dev-fp8.safetensors", made | _below("text_encoders", words)
    yield "flux2-dev.safetensors", flux2(width=6144, words=15360, double=8, single=48, guided=True)
    yield "flux-2-klein-4b.safetensors", flux2(width=3072, words=7680, double=5, single=20, guided=False)
    yield "flux-2-klein-base-9b.safetensors", flux2(width=4096, words=12288, double=8, single=24, guided=False)
    yield "z_image_turbo_bf16.safetensors", _below("model.diffusion_model", z_image())
    yield "qwen_image_bf16.safetensors", qwen_image()


def _with_schedule(kind: dict[str, Any], channels: int, words: Tensors) -> Tensors:
    """A file of Stable Diffusion 1.x or 2.x, which brings its schedule's tables along."""
    made: Tensors = dict.fromkeys(("betas", "alphas_cumprod", "sqrt_alphas_cumprod", "posterior_variance"), (1000,))
    made |= _below("model.diffusion_model", unet(channels=channels, **kind)) | _below("cond_stage_model", words)
    return made | _below("first_stage_model", vae(channels=4, quant=True))
