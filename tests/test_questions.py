"""What PyTorch's small functions at top level answer about tensors, objects and modes; windows."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tc
from tests.nn.twin import check_twin
from tests.ops.compare import sample

pytestmark = pytest.mark.parity


def answers(T):
    x = T.ones(2, 3)
    names = ("is_signed", "is_conj", "is_neg", "is_inference", "is_distributed")
    flags = [getattr(x, name) for name in ("is_xla", "is_ipu", "is_maia", "is_mtia")]
    asked = [getattr(T, name)(t) for name in names for t in (x, x.to(T.uint8))]
    return asked, flags, x.is_distributed(), T.is_storage(x), T.is_storage(x.untyped_storage()), T.is_storage(3)


def test_tensors_answer_as_in_pytorch():
    pytest.importorskip("torch")
    check_twin(answers)


NAMED = {
    "tensor": lambda T: T.ones(2).long(),
    "class": lambda T: T.nn.ReLU,
    "module": lambda T: T.nn.ReLU(),
    "builtin": lambda T: len,
    "number": lambda T: 3,
}


@pytest.mark.parametrize("name", NAMED)
def test_typename_equals_pytorch(name):
    pytest.importorskip("torch")
    check_twin(lambda T: T.typename(NAMED[name](T)).replace("tinygrad_cnn", "torch"))


def modes(T):
    seen = [T.is_anomaly_enabled(), T.is_anomaly_check_nan_enabled(), T.is_inference_mode_enabled()]
    try:
        T.set_anomaly_enabled(True, False)
        seen += [T.is_anomaly_enabled(), T.is_anomaly_check_nan_enabled()]
    finally:
        T.set_anomaly_enabled(False)
    seen += [T.is_anomaly_enabled(), T.is_anomaly_check_nan_enabled()]
    with T.inference_mode():
        seen.append(T.is_inference_mode_enabled())
        with T.inference_mode(False):
            seen.append(T.is_inference_mode_enabled())
    with T.no_grad():
        seen.append(T.is_inference_mode_enabled())
    return seen


def test_modes_equal_pytorch():
    pytest.importorskip("torch")
    check_twin(modes)


ORDERS = {
    "dense": lambda T: T.ones(2, 3, 4, 5).dim_order(),
    "turned": lambda T: T.ones(2, 3, 4, 5).transpose(1, 2).dim_order(ambiguity_check=True),
    "channels last": lambda T: T.ones(2, 4, 5, 3).permute(0, 3, 1, 2).dim_order(),
    "single channel": lambda T: T.ones(2, 1, 4, 5).dim_order(),
    "number": lambda T: T.tensor(1.0).dim_order(),
    "ambiguous": lambda T: T.ones(2, 1, 4, 5).dim_order(ambiguity_check=True),
    "one fits": lambda T: T.ones(1, 2, 3, 4).dim_order(ambiguity_check=[T.contiguous_format, T.channels_last]),
    "no format": lambda T: T.ones(2).dim_order(ambiguity_check="no"),
}


@pytest.mark.parametrize("name", ORDERS)
def test_dim_order_equals_pytorch(name):
    pytest.importorskip("torch")
    check_twin(ORDERS[name])


def test_module_load_copies_or_takes():
    a, b = tc.zeros(2, requires_grad=True), tc.ones(2)
    with tc.no_grad():
        copied = a.module_load(b)
    assert (copied.data_ptr(), copied.tolist(), copied.requires_grad) == (a.data_ptr(), [1, 1], False)
    assert a.module_load(b, assign=True).data_ptr() == b.data_ptr()


SUBCLASSES = {
    "subclass": lambda T, cls, x: (type(x.as_subclass(cls)) is cls, x.as_subclass(cls).requires_grad),
    "no class": lambda T, cls, x: x.as_subclass(3),
    "another class": lambda T, cls, x: x.as_subclass(int),
}


@pytest.mark.parametrize("name", SUBCLASSES)
def test_as_subclass_equals_pytorch(name):
    pytest.importorskip("torch")
    check_twin(lambda T: SUBCLASSES[name](T, type("Own", (T.Tensor,), {}), T.ones(2, requires_grad=True)))


def test_as_subclass_shares_memory_and_graph():
    x = tc.ones(2, requires_grad=True)
    y = x.as_subclass(type("Own", (tc.Tensor,), {}))
    (y * 3).sum().backward()
    assert (y.data_ptr(), x.grad.tolist()) == (x.data_ptr(), [3, 3])


WINDOWS = ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window")


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_equal_pytorch(name):
    pytest.importorskip("torch")
    for length in (0, 1, 2, 7, 10):
        for options in ({}, {"periodic": False}, {"dtype": "float64"}, {"requires_grad": True}):

            def code(T, length=length, options=options):
                given = dict(options)
                if "dtype" in given:
                    given["dtype"] = T.float64
                made = getattr(T, name)(length, **given)
                return made, made.requires_grad

            check_twin(code, 1e-5, 2e-6 if "dtype" not in options else 1e-14)


def test_windows_take_their_parameters():
    pytest.importorskip("torch")
    check_twin(lambda T: T.hamming_window(6, True, 0.6, 0.3, dtype=T.float64), 1e-12, 1e-14)
    check_twin(lambda T: T.kaiser_window(6, False, 3.0, dtype=T.float64), 1e-12, 1e-14)


BAD_WINDOWS = {
    "negative": lambda T: T.hann_window(-1),
    "fraction": lambda T: T.hann_window(3.5),
}


@pytest.mark.parametrize("name", BAD_WINDOWS)
def test_windows_refuse_as_pytorch(name):
    pytest.importorskip("torch")
    check_twin(BAD_WINDOWS[name])


def test_windows_of_integers_are_refused():
    with pytest.raises(RuntimeError, match="hann_window expects floating point dtypes"):
        tc.hann_window(3, dtype=tc.int64)
    with pytest.raises(TypeError, match="unexpected keyword argument 'size'"):
        tc.hann_window(3, size=3)


def test_norms_and_dropout_at_top_level():
    pytest.importorskip("torch")

    def code(T):
        T.manual_seed(1)
        x = T.tensor(sample("f:3,4,5"))
        norms = [T.norm_except_dim(x, 2, dim) for dim in (0, 1, -1)]
        return norms, T.feature_dropout(x, 0.5, True), T.feature_dropout_(x, 0.5, False)

    check_twin(code, 1e-6)
