"""A real, tiny ONNX mask model, made on the spot: it sees what is red."""

from pathlib import Path

import numpy as np


def red_finder(file: Path) -> Path:
    """Writes a model of 1 x 3 x H x W → 1 x 1 x H x W: red less green and blue, cut to 0..1."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.asarray([2.0, -1.0, -1.0], np.float32).reshape(1, 3, 1, 1)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["picture", "weights"], ["redness"], kernel_shape=[1, 1]),
            helper.make_node("Clip", ["redness", "zero", "one"], ["mask"]),
        ],
        "red_finder",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, None, None])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, None, None])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.asarray(0, np.float32), "zero"),
            numpy_helper.from_array(np.asarray(1, np.float32), "one"),
        ],
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    return file


def cloth_finder(file: Path) -> Path:
    """Writes a model of 1 x 3 x H x W → 1 x 4 x H x W: nothing, upper (red), lower (green), full (blue)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.zeros((4, 3, 1, 1), np.float32)
    for category, channel in ((1, 0), (2, 1), (3, 2)):
        weights[category, :, 0, 0] = -1
        weights[category, channel] = 2
    graph = helper.make_graph(
        [helper.make_node("Conv", ["picture", "weights"], ["clothes"], kernel_shape=[1, 1])],
        "cloth_finder",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, None, None])],
        [helper.make_tensor_value_info("clothes", TensorProto.FLOAT, [1, 4, None, None])],
        [numpy_helper.from_array(weights, "weights")],
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    return file
