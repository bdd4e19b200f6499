"""A small ONNX graph that computes a block's attention weights from its queries and keys, in the forms that the browser draws from."""

from __future__ import annotations

import numpy as np


def attention_graph() -> bytes:
    """Takes ``query`` (heads, rows, D), ``key`` (heads, keys, D) and ``scale`` (1); gives ``weights`` (heads, rows, keys).

    Also, as ``draw/payload.py`` describes them, ``values`` of uint8, ``peak`` and ``norm`` (heads, rows); and ``sum`` of the weights over
    the rows, (heads, keys).
    """
    from onnx import TensorProto, helper, numpy_helper  # here, so that those who write no model need not have it

    from cvt.runtime.onnx.graph import IR_VERSION, OPSET

    node = helper.make_node
    nodes = [
        node("Mul", ["query", "scale"], ["scaled"]),
        node("Transpose", ["key"], ["turned"], perm=[0, 2, 1]),
        node("MatMul", ["scaled", "turned"], ["scores"]),
        node("Softmax", ["scores"], ["weights"], axis=-1),
        node("ReduceMax", ["weights", "last"], ["highest"], keepdims=1),
        node("Squeeze", ["highest", "last"], ["peak"]),
        node("Div", ["weights", "highest"], ["shares"]),
        node("Mul", ["shares", "levels"], ["raised"]),
        node("Add", ["raised", "half"], ["rounded"]),  # truncation then rounds
        node("Cast", ["rounded"], ["values"], to=TensorProto.UINT8),
        node("ReduceMax", ["scores", "last"], ["top"], keepdims=0),
        node("Log", ["peak"], ["log"]),
        node("Sub", ["top", "log"], ["norm"]),
        node("ReduceSum", ["weights", "rows"], ["sum"], keepdims=0),
    ]
    constants = {"last": np.array([-1]), "rows": np.array([1]), "levels": np.float32(255), "half": np.float32(0.5)}
    value = helper.make_tensor_value_info
    inputs = [("query", ["heads", "rows", "dim"]), ("key", ["heads", "keys", "dim"]), ("scale", [1])]
    of_rows, of_keys, of_both = ["heads", "rows"], ["heads", "keys"], ["heads", "rows", "keys"]
    outputs = [("weights", of_both), ("peak", of_rows), ("norm", of_rows), ("sum", of_keys)]
    graph = helper.make_graph(
        nodes,
        "attention",
        [value(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [*(value(name, TensorProto.FLOAT, shape) for name, shape in outputs), value("values", TensorProto.UINT8, of_both)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="cvt")
    return made.SerializeToString()
