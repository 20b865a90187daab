"""Inference of whole networks: eval mode, no gradients; also by ONNX Runtime, from the same weights."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from . import nets, onnx_graph
from .harness import Task
from .library import OURS, Library

BATCHES = (1, 8, 64, 256)


def setup(library: Library, threads: int, name: str, batch: int) -> Callable[[], Any]:
    """Return one forward pass."""
    if library.package == "onnxruntime":
        return _onnxruntime(library.module, threads, name, batch)
    torch = library.module
    net = library.place(nets.BUILDERS[name](torch).eval())
    x = library.place(torch.randn(batch, *nets.INPUTS[name]))

    def forward() -> Any:
        with torch.no_grad():
            return net(x)

    return forward


def _onnxruntime(runtime: Any, threads: int, name: str, batch: int) -> Callable[[], Any]:
    torch = importlib.import_module(OURS)
    torch.set_num_threads(1)
    weights = {key: value.numpy() for key, value in nets.BUILDERS[name](torch).state_dict().items()}
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(
        onnx_graph.model(name, weights, batch), options, providers=["CPUExecutionProvider"]
    )
    x = torch.randn(batch, *nets.INPUTS[name]).numpy()
    return lambda: session.run(None, {"x": x})


def tasks() -> list[Task]:
    """Return all networks at all batch sizes."""
    torch = importlib.import_module(OURS)
    return [
        Task("infer", name, f"{name} batch {batch}", setup, (name, batch),
             batch * nets.arithmetic(torch, name)[0], images=batch)
        for name in nets.BUILDERS
        for batch in BATCHES
    ]  # fmt: skip
