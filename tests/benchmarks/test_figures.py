"""What the figures are computed from: arithmetic, traffic, peaks, projections, tables and pictures."""

from __future__ import annotations

import ctypes
import json

import numpy as np
import pytest

import tinygrad_cnn
from benchmarks import conv, gemm, nets, onnx_graph, peak, plot, report, scaling
from benchmarks.harness import Result, Task
from benchmarks.library import OURS
from benchmarks.peak import Peaks


@pytest.mark.parametrize("shape", [(2, 4, 6, 8, 3, 1, 1, 1), (2, 4, 7, 8, 3, 2, 1, 4), (1, 3, 5, 2, 1, 1, 0, 1)])
def test_arithmetic_and_traffic_of_a_convolution(shape):
    batch, channels, size, filters, kernel, stride, padding, groups = shape
    x = np.zeros((channels, size + 2 * padding, size + 2 * padding))
    corners = range(0, x.shape[1] - kernel + 1, stride)
    y = batch * filters * len(corners) ** 2
    flops, traffic = conv.work(shape, "forward")
    assert flops == y * (channels // groups) * kernel * kernel * 2
    assert traffic == 4 * (batch * channels * size * size + filters * (channels // groups) * kernel * kernel + y)
    assert conv.work(shape, "train") == (3 * flops, 3 * traffic)
    assert conv.work(shape, "first") == (2 * flops, 2 * traffic)


def test_sizes_of_products():
    assert gemm.parse_size("32") == ("NN", 32, 32, 32)
    assert gemm.parse_size("TN:2x3x4") == ("TN", 2, 3, 4)
    for text in ("", "0", "2x3", "XX:2x3x4", "2x3xfour"):
        with pytest.raises(ValueError):
            gemm.parse_size(text)
    (task,) = gemm.tasks(["2x3x4"], "float64")
    assert (task.flops, task.bytes, task.dtype) == (48, 8 * (8 + 12 + 6), "float64")


@pytest.mark.parametrize(
    ("name", "parameters", "multiplications"),
    [  # layer by layer: outputs times the weights of one
        ("lenet5", 61_706, 6 * 784 * 25 + 16 * 100 * 150 + 400 * 120 + 120 * 84 + 84 * 10),
        ("mnistnet", 1_199_882, 32 * 676 * 9 + 64 * 576 * 288 + 9216 * 128 + 128 * 10),
        (
            "resnet20",
            272_474,
            16 * 1024 * 27 + 6 * 16 * 1024 * 144  # the stem and the first stage
            + 32 * 256 * 144 + 5 * 32 * 256 * 288 + 32 * 256 * 16  # halved, with a shortcut of 1x1
            + 64 * 64 * 288 + 5 * 64 * 64 * 576 + 64 * 64 * 32 + 64 * 10,
        ),
    ],
)  # fmt: skip
def test_the_networks_are_those_of_the_literature(name, parameters, multiplications):
    net = nets.BUILDERS[name](tinygrad_cnn)
    assert sum(parameter.numel() for parameter in net.parameters()) == parameters
    forward, step = nets.arithmetic(tinygrad_cnn, name)
    assert forward == 2 * multiplications
    assert 2 * forward < step < 3 * forward


@pytest.mark.parity
@pytest.mark.parametrize("name", nets.BUILDERS)
def test_the_networks_compute_the_same_here_and_in_pytorch(name):
    torch = pytest.importorskip("torch")
    outputs = []
    for module in (tinygrad_cnn, torch):
        module.manual_seed(0)
        net = nets.BUILDERS[name](module).eval()
        x = module.rand(2, *nets.INPUTS[name])
        with module.no_grad():
            outputs.append(net(x).numpy())
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", nets.BUILDERS)
def test_the_onnx_graphs_compute_what_the_networks_do(name):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    net = nets.BUILDERS[name](tinygrad_cnn)
    for key, value in net.state_dict().items():  # statistics that change something
        if key.endswith(("running_mean", "running_var")):
            value.uniform_(0.5, 1.5)
    weights = {key: value.numpy() for key, value in net.state_dict().items()}
    x = tinygrad_cnn.randn(3, *nets.INPUTS[name])
    session = runtime.InferenceSession(onnx_graph.model(name, weights, 3), providers=["CPUExecutionProvider"])
    with tinygrad_cnn.no_grad():
        expected = net.eval()(x).numpy()
    np.testing.assert_allclose(session.run(None, {"x": x.numpy()})[0], expected, rtol=1e-3, atol=1e-4)


def test_the_kernels_of_the_peaks_do_what_they_count():
    isa = tinygrad_cnn.core.runtime.isa()
    kernels = peak.compile_kernels(isa)
    if kernels is None:
        pytest.skip("no C compiler")
    for name, kind in peak.DTYPES.items():
        out = kind()
        flops = getattr(kernels, f"fma_{name}")(3, 0.5, 1.0, ctypes.byref(out))
        chains = flops / 3 / 2 / (peak.WIDTHS[isa] / ctypes.sizeof(kind))
        # Chain j: ((j * .5 + 1) * .5 + 1) * .5 + 1 = 1.75 + j / 8.
        assert out.value == 1.75 * chains + chains * (chains - 1) / 16
    block = np.arange(100, dtype=np.uint8)
    copied = np.zeros_like(block)
    kernels.copy(2, copied.ctypes.data, block.ctypes.data, 99)
    assert copied.tolist() == [*range(99), 0]


def test_peaks_are_measured_for_each_number_of_threads(monkeypatch):
    monkeypatch.setattr(peak, "SIZES", [2**14, 2**16])
    peaks = peak.measure([1, 2], ["float32", "float64"], 1e-4)
    if not peaks.flops:
        pytest.skip("no C compiler")
    assert set(peaks.flops) == {(dtype, threads) for dtype in ("float32", "float64") for threads in (1, 2)}
    assert all(value > 0 for value in [*peaks.flops.values(), *peaks.copies.values()])
    json.dumps(peaks.to_json())


PEAKS = Peaks("avx2", {("float32", 1): 4e9}, {(1000, 1): 3e9, (100_000, 1): 1e9})


def result(seconds, **figures):
    return Result(Task("conv", "group", "name", None, (), **figures), 1, {OURS: [seconds], "torch": [2 * seconds]})


def test_the_share_is_of_the_peak_that_limits():
    assert [PEAKS.copy(size, 1) for size in (10, 1000, 10_000, 100_000, 10**9)] == pytest.approx(
        [3e9, 3e9, 2e9, 1e9, 1e9]
    )
    assert PEAKS.copy(5000, 2) is None
    assert report.share(result(1.0, flops=1e9, bytes=1e9), PEAKS) == 0.25
    assert report.share(result(1.0, bytes=5e8), PEAKS) == 0.5
    assert report.share(result(1.0), PEAKS) is None


def test_text():
    assert [report.duration(s) for s in (None, 1.234e-6, 56.78e-6, 0.1234, 3.0)] == [
        "-", "1.23 us", "56.8 us", "123 ms", "3.00 s",
    ]  # fmt: skip
    assert [report.speed(result(0.5, flops=1e9, bytes=1.0)), report.speed(result(0.5, bytes=1e9))] == [
        "2.0 GFLOP/s", "2.0 GB/s",
    ]  # fmt: skip
    assert report.speed(result(0.5, flops=1e9, images=8)) == "16 images/s"
    assert report.table([["a", "b"], ["long", "1"]]) == ["| a    |  b |", "| :--- | -: |", "| long |  1 |"]


def test_a_table_has_a_line_each_means_by_group_and_marks():
    table = report.Table(["name"], ["torch", "onnxruntime"], PEAKS)
    good, disturbed = result(0.5, flops=1e9), result(0.5, flops=1e9)
    disturbed.disturbed = 0.9
    disturbed.rounds["torch"] = [4.0]
    disturbed.errors["onnxruntime"] = "not today"
    lines = [*table.start(), table.line(good), table.line(disturbed)]
    assert len({len(line) for line in lines}) == 1
    cells = [cell.strip() for cell in lines[-1].split("|")[1:-1]]
    assert cells == ["name (!)", "1", "500 ms", "2.0 GFLOP/s", "50%", "4.00 s", "8.00x", "-", "-"]
    mean, *notes = table.end([good, disturbed])
    assert [cell.strip() for cell in mean.split("|")[1:-1]] == [
        "geometric mean: group", "1", "", "", "", "", "4.00x", "", "-",
    ]  # fmt: skip
    assert any("(!)" in note for note in notes)
    assert "name, 1 threads, onnxruntime: not today" in notes


def test_projection():
    assert scaling.serial_fraction(1.0, 0.5, 2) == 0
    assert scaling.serial_fraction(1.0, 1.0, 2) == 1
    serial = scaling.serial_fraction(1.0, 0.6, 2)
    assert scaling.amdahl(serial, 2) == pytest.approx(1 / 0.6)
    assert scaling.amdahl(0.2, 10**9) == pytest.approx(5)


@pytest.mark.parametrize("family", plot.PICTURES)
def test_a_picture_of_each_family(family, tmp_path):
    pytest.importorskip("matplotlib")
    results = [
        Result(Task(family, group, f"{group} {n}", None, (), 1e6 * n, 1e5, n, n), threads, {OURS: [0.1 * n]})
        for group in ("one", "two")
        for n in (1, 8, 64)
        for threads in (1, 2)
    ]
    results[0].rounds = {}  # one that failed
    plot.draw(tmp_path / "out.png", results, PEAKS)
    assert (tmp_path / "out.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_no_picture_of_nothing(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="no picture"):
        plot.draw(tmp_path / "out.png", [], PEAKS)
