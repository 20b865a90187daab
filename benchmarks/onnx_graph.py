"""The three networks as ONNX graphs, for ONNX Runtime: nodes by hand, weights from a network's state_dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import nets


class Graph:
    """Nodes in order, each one's output named after it."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        from onnx import helper, numpy_helper

        self.helper = helper
        self.nodes: list[Any] = []
        self.constants = [numpy_helper.from_array(np.ascontiguousarray(w), name) for name, w in weights.items()]
        self.names = set(weights)

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        output = f"{kind}{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def conv(self, x: str, layer: str, kernel: int, stride: int = 1, padding: int = 0) -> str:
        """Append a convolution of a layer of the network."""
        bias = [f"{layer}.bias"] if f"{layer}.bias" in self.names else []
        return self.add("Conv", x, f"{layer}.weight", *bias, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                        pads=[padding] * 4)  # fmt: skip

    def linear(self, x: str, layer: str) -> str:
        """Append a linear layer."""
        return self.add("Gemm", x, f"{layer}.weight", f"{layer}.bias", transB=1)

    def norm(self, x: str, layer: str) -> str:
        """Append batch normalisation by the running statistics."""
        parts = [f"{layer}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
        return self.add("BatchNormalization", x, *parts, epsilon=1e-5)

    def pool(self, x: str) -> str:
        """Append max pooling by two."""
        return self.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])


def _lenet5(graph: Graph, x: str) -> str:
    x = graph.pool(graph.add("Relu", graph.conv(x, "0", 5, padding=2)))
    x = graph.pool(graph.add("Relu", graph.conv(x, "3", 5)))
    x = graph.add("Relu", graph.linear(graph.add("Flatten", x, axis=1), "7"))
    return graph.linear(graph.add("Relu", graph.linear(x, "9")), "11")


def _mnistnet(graph: Graph, x: str) -> str:
    x = graph.add("Relu", graph.conv(x, "conv1", 3))
    x = graph.pool(graph.add("Relu", graph.conv(x, "conv2", 3)))
    x = graph.add("Relu", graph.linear(graph.add("Flatten", x, axis=1), "fc1"))
    return graph.add("LogSoftmax", graph.linear(x, "fc2"), axis=1)


def _resnet20(graph: Graph, x: str) -> str:
    x = graph.add("Relu", graph.norm(graph.conv(x, "conv1", 3, padding=1), "bn1"))
    for layer in ("layer1", "layer2", "layer3"):
        for block in (f"{layer}.{i}" for i in range(3)):
            short = x
            shrinks = f"{block}.shortcut.0.weight" in graph.names
            out = graph.conv(x, f"{block}.conv1", 3, 2 if shrinks else 1, 1)
            out = graph.conv(graph.add("Relu", graph.norm(out, f"{block}.bn1")), f"{block}.conv2", 3, 1, 1)
            if shrinks:
                short = graph.norm(graph.conv(x, f"{block}.shortcut.0", 1, 2), f"{block}.shortcut.1")
            x = graph.add("Relu", graph.add("Add", graph.norm(out, f"{block}.bn2"), short))
    return graph.linear(graph.add("Flatten", graph.add("GlobalAveragePool", x), axis=1), "fc")


BUILDERS = {"lenet5": _lenet5, "mnistnet": _mnistnet, "resnet20": _resnet20}


def model(name: str, weights: Mapping[str, np.ndarray], batch: int) -> bytes:
    """Return a network as an ONNX file: input "x" (batch, channels, height, width), one output of 10 columns."""
    from onnx import TensorProto, helper

    graph = Graph({key: value for key, value in weights.items() if not key.endswith("num_batches_tracked")})
    y = BUILDERS[name](graph, "x")
    ends = [
        helper.make_tensor_value_info(end, TensorProto.FLOAT, shape)
        for end, shape in (("x", [batch, *nets.INPUTS[name]]), (y, [batch, 10]))
    ]
    made = helper.make_graph(graph.nodes, name, ends[:1], ends[1:], graph.constants)
    return bytes(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
