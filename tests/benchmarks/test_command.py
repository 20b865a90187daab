"""The command line: every family once, on its smallest workload; what it prints, and the files it writes."""

from __future__ import annotations

import json
import sys

import pytest

from benchmarks import peak
from benchmarks.__main__ import main
from benchmarks.library import OURS

SMALLEST = {
    "gemm": "NN 32x32x32",
    "conv": "lenet.conv1 first",
    "ops": "cross_entropy 64x10 train",
    "overhead": "x + y backward",
    "train": "lenet5 batch 1",
    "infer": "lenet5 batch 1",
    "scaling": "lenet5 batch 8",
}
QUICK = ["--rounds", "1", "--seconds", "0.0001"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Copies of memory are measured at two small sizes."""
    monkeypatch.setattr(peak, "SIZES", [2**14, 2**16])


def run(tmp_path, *arguments):
    files = {name: tmp_path / name for name in ("json", "write")}
    main([*arguments, *QUICK, *(word for name, path in files.items() for word in (f"--{name}", str(path)))])
    return json.loads(files["json"].read_text()), files["write"].read_text()


@pytest.mark.parametrize("family", SMALLEST)
def test_each_family(family, tmp_path, capsys):
    found, written = run(tmp_path, family, "--only", SMALLEST[family], "--threads", "1,2")
    printed = capsys.readouterr().out
    assert f"\n## {family}\n" in printed
    assert written.endswith(printed)
    assert f"`python -m benchmarks {family} --only " in written
    assert {(result["name"], result["threads"]) for result in found["results"]} == {
        (SMALLEST[family], 1), (SMALLEST[family], 2),
    }  # fmt: skip
    for result in found["results"]:
        assert result["family"] == family
        assert result["errors"] == {}
        assert len(result["rounds"][OURS]) == 1
        assert result["seconds"][OURS] > 0
        assert any(line.startswith(f"| {result['name']} ") for line in printed.splitlines())
    assert found["machine"]["processor"]
    assert found["peaks"]["isa"] in found["machine"]["instruction set"]
    if family == "scaling":
        assert "serial fraction" in printed


def test_small_work(tmp_path):
    names = [f"{name} of 64" for name in ("avg_pool", "avg_pool train", "cross_entropy", "SGD")]
    found, written = run(
        tmp_path, "scaling", *(word for name in names for word in ("--only", name)), "--threads", "1,2"
    )
    assert {result["name"] for result in found["results"]} == set(names)
    assert not any(result["errors"] for result in found["results"])
    assert "speed-up on 2" in written and "serial fraction" not in written
    assert any(line.startswith("| avg_pool train ") and line.count("x |") == 1 for line in written.splitlines())


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
@pytest.mark.parametrize("name", ["lenet5", "lenet.conv1 forward"])
def test_memory(name, tmp_path):
    found, written = run(tmp_path, "memory", "--only", name, "--threads", "1")
    (line,) = found["memory"]
    assert line["library"] == OURS
    if name == "lenet5":
        assert 0 < line["import"] < line["peak"] < 2**30
        assert line["above import"] == line["peak"] - line["import"]
        assert 0 < line["core peak"] < line["peak"]
        assert "faults/step" in written
    else:
        assert line["output"] == 64 * 6 * 28 * 28 * 4
        assert line["extra"] >= 0
        assert "workspace" in written


def test_a_picture(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "roofline.png"
    main(["gemm", "--size", "8", "--threads", "1", *QUICK, "--plot", str(path)])
    assert path.stat().st_size > 1000


@pytest.mark.parity
def test_the_columns_of_pytorch(tmp_path):
    pytest.importorskip("torch")
    found, written = run(
        tmp_path, "train", "--only", "lenet5 batch 1", "--threads", "1", "--against", "torch,torch-tuned"
    )
    (result,) = found["results"]
    assert result["errors"] == {}
    assert set(result["ratios"]) == {"torch", "torch-tuned"}
    assert "geometric mean: lenet5" in written


def test_the_column_of_onnx_runtime_is_of_inference(tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    words = ["--only", "lenet5 batch 1", "--threads", "1", "--against", "onnxruntime"]
    assert set(run(tmp_path, "infer", *words)[0]["results"][0]["ratios"]) == {"onnxruntime"}
    assert run(tmp_path, "train", *words)[0]["results"][0]["ratios"] == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "invalid choice"),
        (["gemm", "--against", "no_such_library"], "needs the package no_such_library"),
        (["gemm", "--threads", "0"], "a number of threads is at least 1"),
        (["gemm", "--rounds", "0"], "at least 1"),
        (["gemm", "--size", "2x3"], "not a size: '2x3'"),
        (["conv", "--size", "2x3x4"], "--size is for gemm"),
        (["conv", "--only", "no such shape"], "no workload has 'no such shape' in its name"),
    ],
)
def test_wrong_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
