"""Toy SAMs of every kind that is read: real classes with random weights, written as their own tools write them."""

from pathlib import Path

SIDE = 64
"""The side of what the toys see, pixels."""


def stir(model) -> None:
    """Let no parameter stay at zero, which would hide what is left out, and let answers hang on what is seen."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=1.6 / parameter[0].numel() ** 0.5)
            else:
                parameter.add_(torch.randn_like(parameter), alpha=0.1)


def original_sam(file: Path, *, seed: int = 0) -> Path:
    """A checkpoint in segment-anything's own layout."""
    from functools import partial

    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sam = Sam(
            image_encoder=ImageEncoderViT(
                img_size=SIDE,
                patch_size=8,
                embed_dim=32,
                depth=3,
                num_heads=2,
                out_chans=32,
                norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
                use_rel_pos=True,
                window_size=4,
                global_attn_indexes=(1,),
            ),
            prompt_encoder=PromptEncoder(
                embed_dim=32, image_embedding_size=(8, 8), input_image_size=(SIDE, SIDE), mask_in_chans=8
            ),
            mask_decoder=MaskDecoder(
                transformer_dim=32,
                transformer=TwoWayTransformer(depth=2, embedding_dim=32, num_heads=8, mlp_dim=64),
                iou_head_hidden_dim=32,
            ),
        )
        stir(sam)
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(sam.state_dict(), file)
    return file


def sam(folder: Path, *, quality: bool = False, seed: int = 0) -> Path:
    """A SamModel, or a SamHQModel, in transformers' format."""
    import transformers

    prefix = "SamHQ" if quality else "Sam"
    vision = {
        "hidden_size": 32,
        "output_channels": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "image_size": SIDE,
        "patch_size": 8,
        "window_size": 4,
        "global_attn_indexes": [1],
        "mlp_dim": 64,
        "num_pos_feats": 16,
    }
    config = getattr(transformers, f"{prefix}Config")(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 32, "image_size": SIDE, "patch_size": 8, "mask_input_channels": 8},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 64,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": 32,
            **({"vit_dim": 32} if quality else {}),
        },
    )
    _save(getattr(transformers, f"{prefix}Model"), config, folder, seed)
    transformers.SamImageProcessor(
        size={"longest_edge": SIDE},
        pad_size={"height": SIDE, "width": SIDE},
        mask_size={"longest_edge": 32},
        mask_pad_size={"height": 32, "width": 32},
    ).save_pretrained(folder)
    return folder


def sam2(folder: Path, *, seed: int = 0) -> Path:
    """A Sam2Model in transformers' format."""
    import transformers

    config = transformers.Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "num_attention_heads": 1,
                "image_size": [SIDE, SIDE],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 2, 4, 8],
                "window_size_per_stage": [4, 4, 4, 4],
                "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [4, 4],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": SIDE, "patch_size": 16, "mask_input_channels": 8},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 64,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": 32,
            "attention_downsample_rate": 2,
        },
    )
    _save(transformers.Sam2Model, config, folder, seed)
    size = {"height": SIDE, "width": SIDE}
    transformers.Sam2ImageProcessor(size=size, mask_size={"height": 16, "width": 16}).save_pretrained(folder)
    return folder


def sam3(folder: Path, *, seed: int = 0) -> Path:
    """A SAM 3 as it is published: one folder with a detector that reads words, and a tracker that takes boxes."""
    import transformers

    from tests.toys import tokenizer

    side = 112
    sizes = {"hidden_size": 32, "num_attention_heads": 2}
    layers = sizes | {"num_layers": 1, "intermediate_size": 32}
    backbone = sizes | {"model_type": "sam3_vit_model", "intermediate_size": 64, "num_hidden_layers": 2}
    backbone |= {"image_size": side, "window_size": 4, "global_attn_indexes": [1], "pretrain_image_size": 56}
    vision = {"backbone_config": backbone, "fpn_hidden_size": 32}
    text = sizes | {"model_type": "clip_text_model", "vocab_size": 514, "intermediate_size": 64, "num_hidden_layers": 1}
    text |= {"projection_dim": 32, "max_position_embeddings": 32, "bos_token_id": 512, "eos_token_id": 513}
    detector = {
        "vision_config": vision,
        "text_config": text,
        "geometry_encoder_config": layers,
        "detr_encoder_config": layers,
        "detr_decoder_config": layers | {"num_queries": 10},
        "mask_decoder_config": sizes,
    }
    memory = {"num_layers": 1, "hidden_size": 32, "feed_forward_hidden_size": 32, "rope_feat_sizes": [8, 8]}
    fuser = {"num_layers": 1, "embed_dim": 32, "intermediate_dim": 32}
    tracker = {
        "vision_config": {"model_type": "sam3_vision_model"} | vision,
        "prompt_encoder_config": {"hidden_size": 32, "image_size": side, "mask_input_channels": 8},
        "mask_decoder_config": {
            "hidden_size": 32,
            "mlp_dim": 64,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": 32,
        },
        "memory_encoder_hidden_size": 32,
        "memory_encoder_output_channels": 16,
        "mask_downsampler_embed_dim": 32,
        **{f"memory_attention_{name}": value for name, value in memory.items()},
        **{f"memory_fuser_{name}": value for name, value in fuser.items()},
    }
    config = transformers.Sam3VideoConfig(detector_config=detector, tracker_config=tracker, low_res_mask_size=32)
    config.image_size = side
    _save(transformers.Sam3VideoModel, config, folder, seed)
    size = {"height": side, "width": side}
    transformers.Sam3VideoProcessor(
        transformers.Sam3ImageProcessor(size=size, mask_size={"height": 32, "width": 32}),
        transformers.Sam2VideoVideoProcessor(size=size),
        tokenizer(folder),
    ).save_pretrained(folder)
    return folder


def _save(kind, config, folder: Path, seed: int) -> None:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = kind(config)
        stir(model)
    model.save_pretrained(folder)
