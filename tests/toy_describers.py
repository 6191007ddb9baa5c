"""Real, tiny models that put pictures into words, as real folders."""

from pathlib import Path

import numpy as np

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "a", "ball", "boat", "red", "blue", "sea", "on", "the")
TAGS = """tag_id,name,category,count
1,sensitive,9,10
2,long_red,0,9
3,^_^,0,8
4,blue_sky,0,7
5,robin_(red),4,6
6,alice,4,5
"""


def blip(folder: Path, seed: int = 0) -> Path:
    """A captioner that no one trained: what it writes depends on the picture, and means nothing."""
    import torch
    from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration, BlipImageProcessor, BlipProcessor

    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    ids = {"bos_token_id": 5, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    text = sizes | ids | {"vocab_size": len(WORDS), "max_position_embeddings": 64, "initializer_range": 0.8}
    vision = sizes | {"image_size": 32, "patch_size": 8, "initializer_range": 0.8}
    BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
    tokenizer = BertTokenizer(vocab={word: number for number, word in enumerate(WORDS)}, bos_token="[DEC]")
    BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), tokenizer).save_pretrained(folder)
    return folder


def tagger(folder: Path) -> Path:
    """It sees how red, how blue and how little green a picture is in the mean (BGR in, as Waifu Diffusion taggers)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    red, blue, neither = [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]
    weights = np.asarray([neither, red, red, blue, red, blue], np.float32).T / 255
    offsets = np.asarray([1, 0, -0.2, 0, 0, 0], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("Gemm", ["mean", "weights", "offsets"], ["scores"]),
        ],
        "tagger",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 16, 16, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, len(offsets)])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(offsets, "offsets")],
    )
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx"
    )
    (folder / "selected_tags.csv").write_text(TAGS, encoding="utf-8")
    return folder
