"""Misuse that takes more than one expression (those are in tests/bad_input): what is raised, and that it says why.

Each case gets `torch`, this package or PyTorch, which has to raise the same; `own` marks what PyTorch does otherwise.
"""

from __future__ import annotations

import importlib
import io
import warnings

import numpy as np
import pytest

import tinygrad_cnn
from tinygrad_cnn import core
from tinygrad_cnn.vision import models
from tinygrad_cnn.vision.datasets.mnist import expect_array
from tinygrad_cnn.vision.io import decode_image

CASES = {}


def case(kind, message, own=False):
    """Collect a case with the type and the beginning of the message."""

    def collect(function):
        CASES[function.__name__] = (function, kind, message, own)
        return function

    return collect


# ---- autograd ----


def squares(torch, **methods):
    """A Function that squares, with other methods."""
    usual = {
        "forward": staticmethod(lambda ctx, x: (ctx.save_for_backward(x), x * x)[1]),
        "backward": staticmethod(lambda ctx, grad: 2 * grad * ctx.saved_tensors[0]),
    }
    return type("Square", (torch.autograd.Function,), usual | {k: staticmethod(v) for k, v in methods.items()})


def leaf(torch, *shape):
    return torch.ones(*shape, requires_grad=True)


@case(RuntimeError, "Trying to backward through the graph a second time")
def saved_tensors_of_a_function_whose_graph_is_freed(torch):
    contexts = []
    square = squares(torch, backward=lambda ctx, grad: (contexts.append(ctx), grad)[1])
    square.apply(leaf(torch, 2)).sum().backward()
    _ = contexts[0].saved_tensors


@case(RuntimeError, "Trying to backward through the graph a second time")
def saved_tensors_of_a_node_whose_graph_is_freed(torch):
    y = squares(torch).apply(leaf(torch, 2)).sum()
    node = y.grad_fn.next_functions[0][0]
    y.backward()
    _ = node.saved_tensors


@case(RuntimeError, "Trying to backward through the graph a second time")
def backward_twice_through_an_operation(torch):
    y = leaf(torch, 2).exp().sum()
    y.backward()
    y.backward()


@case(NotImplementedError, "save_for_forward: forward-mode differentiation is not implemented", own=True)
def save_for_forward(torch):
    squares(torch, forward=lambda ctx, x: ctx.save_for_forward(x)).apply(leaf(torch, 2))


@case(NotImplementedError, "setup_context is not implemented.")
def forward_without_a_context(torch):
    torch.autograd.Function.setup_context(None, (), None)


@case(RuntimeError, "a tensor marked as dirty by the custom Function was not returned", own=True)
def dirty_tensor_that_is_not_returned(torch):
    squares(torch, forward=lambda ctx, x: (ctx.mark_dirty(x), x * x)[1]).apply(leaf(torch, 2).clone())


@case(RuntimeError, "trying to differentiate twice a function that was marked with @once_differentiable")
def twice_through_once_differentiable(torch):
    once = importlib.import_module(f"{torch.__name__}.autograd.function").once_differentiable
    square = squares(torch, backward=once(lambda ctx, grad: 2 * grad * ctx.saved_tensors[0]))
    x = leaf(torch, 2)
    (grad,) = torch.autograd.grad(square.apply(x).pow(2).sum(), x, create_graph=True)
    grad.sum().backward()


@case(NotImplementedError, "autograd.graph.saved_tensors_hooks is not implemented", own=True)
def saved_tensors_hooks(torch):
    importlib.import_module(f"{torch.__name__}.autograd.graph").saved_tensors_hooks(None, None)


@case(RuntimeError, "The Tensor returned by the function given to hvp should contain a single element")
def hvp_of_a_function_with_several_values(torch):
    torch.autograd.functional.hvp(lambda x: x * 2, torch.ones(2), torch.ones(2))


@case(NotImplementedError, "gradgradcheck: check_fwd_over_rev=True is not implemented", own=True)
def gradgradcheck_forward_over_reverse(torch):
    torch.autograd.gradgradcheck(lambda x: x * x, leaf(torch, 2).double(), check_fwd_over_rev=True)


@case(RuntimeError, "Function SquareBackward returned an invalid gradient at index 0")
def gradient_of_another_shape(torch):
    square = squares(torch, backward=lambda ctx, grad: grad.new_ones(3))
    square.apply(leaf(torch, 2)).sum().backward()


@case(RuntimeError, "cannot register a hook on a tensor that doesn't require gradient")
def post_accumulate_hook_without_a_gradient(torch):
    torch.ones(2).register_post_accumulate_grad_hook(print)


@case(RuntimeError, "Expected weight from each model to have the same .requires_grad")
def stacked_models_that_differ(torch):
    func = importlib.import_module(f"{torch.__name__}.func")
    func.stack_module_state([torch.nn.Linear(1, 1), torch.nn.Linear(1, 1).requires_grad_(False)])


# ---- mixed precision ----


def scaled(torch, parameter=True):
    """A scaler of the CPU, an optimizer, after a backward pass with the scale."""
    scaler = torch.amp.GradScaler("cpu")
    weight = leaf(torch, 2)
    optimizer = torch.optim.SGD([weight], 0.1)
    loss = scaler.scale(weight.sum())
    if parameter:
        loss.backward()
    return scaler, optimizer


@case(RuntimeError, "unscale_() is being called after step().")
def unscale_after_a_step(torch):
    scaler, optimizer = scaled(torch)
    scaler.step(optimizer)
    scaler.unscale_(optimizer)


@case(AssertionError, "No inf checks were recorded for this optimizer.")
def scaled_step_without_gradients(torch):
    scaler, optimizer = scaled(torch, False)
    scaler.step(optimizer)


@case(AssertionError, "No inf checks were recorded prior to update.")
def update_of_the_scale_without_a_step(torch):
    scaler, _ = scaled(torch)
    scaler.update()


# ---- modules ----


@case(RuntimeError, "Backward pre hook returned an invalid number of grad_output, got 2, but expected 1")
def backward_pre_hook_with_too_many_gradients(torch):
    layer = torch.nn.Linear(1, 1)
    layer.register_full_backward_pre_hook(lambda module, grads: (*grads, *grads))
    layer(leaf(torch, 1, 1)).sum().backward()


@case(RuntimeError, "state_dict post-hook must return None")
def state_dict_post_hook_that_returns(torch):
    layer = torch.nn.Linear(1, 1)
    layer.register_state_dict_post_hook(lambda *args: 1)
    layer.state_dict()


@case(AssertionError, "The in_features inferred from input: 3 is not equal to in_features from self.weight: 2")
def lazy_layer_with_another_state(torch):
    layer = torch.nn.LazyLinear(1)
    layer.load_state_dict(torch.nn.Linear(2, 1).state_dict())
    layer(torch.zeros(1, 3))


@case(RuntimeError, "Can't share memory on an uninitialized parameter or buffer.")
def memory_of_a_lazy_layer_shared(torch):
    torch.nn.LazyLinear(1).weight.share_memory_()


@case(RuntimeError, "input must have 2 dimensions, got 1")
def packed_input_of_another_rank(torch):
    torch.nn.RNN(2, 2).check_input(torch.zeros(2), torch.ones(1))


@case(RuntimeError, "Module.get_extra_state() should never be called", own=True)
def extra_state_of_a_module_without(torch):
    torch.nn.Module().get_extra_state()


def unusual(torch, **methods):
    """A parametrization of a layer's weight with methods of its own."""
    usual = {"forward": lambda self, x: x}
    kind = type("Unusual", (torch.nn.Module,), usual | methods)
    layer = torch.nn.Linear(2, 2)
    parametrize = importlib.import_module(f"{torch.__name__}.nn.utils.parametrize")
    parametrize.register_parametrization(layer, "weight", kind(), unsafe=True)
    return layer


@case(ValueError, "`right_inverse` should return a tensor. Got int")
def right_inverse_that_is_no_tensor(torch):
    layer = unusual(torch, right_inverse=lambda self, x: x)
    layer.parametrizations.weight[0].right_inverse = lambda x: 1
    layer.weight = torch.zeros(2, 2)


@case(ValueError, "The tensor returned by `right_inverse` has dtype torch.float64 while `original` has dtype")
def right_inverse_of_another_dtype(torch):
    layer = unusual(torch, right_inverse=lambda self, x: x)
    layer.weight = torch.zeros(2, 2).double()


def halves(torch):
    """A weight that is the sum of two originals."""
    return unusual(torch, forward=lambda self, x, y: x + y, right_inverse=lambda self, x: (x / 2, x / 2))


@case(ValueError, "'right_inverse' must return a sequence of tensors. Got int.")
def right_inverse_that_is_no_sequence(torch):
    layer = halves(torch)
    layer.parametrizations.weight[0].right_inverse = lambda x: 1
    layer.weight = torch.zeros(2, 2)


@case(ValueError, "'right_inverse' must return a sequence of tensors of length 2.")
def right_inverse_of_another_length(torch):
    layer = halves(torch)
    layer.parametrizations.weight[0].right_inverse = lambda x: (x,)
    layer.weight = torch.zeros(2, 2)


@case(ValueError, "'right_inverse' must return a sequence of tensors")
def right_inverse_with_something_else(torch):
    layer = halves(torch)
    layer.parametrizations.weight[0].right_inverse = lambda x: (x, 1)
    layer.weight = torch.zeros(2, 2)


@case(ValueError, "Tensor 1 returned by `right_inverse` has dtype torch.float64 while `original1` has dtype")
def right_inverse_with_another_dtype(torch):
    layer = halves(torch)
    layer.parametrizations.weight[0].right_inverse = lambda x: (x, x.double())
    layer.weight = torch.zeros(2, 2)


def prune_twice(torch, **members):
    """Prune a layer again, by a method with these members."""
    prune = importlib.import_module(f"{torch.__name__}.nn.utils.prune")
    layer = torch.nn.Linear(2, 2)
    prune.l1_unstructured(layer, "weight", 1)
    kind = {**members, "compute_mask": lambda self, t, mask: mask}
    type("Odd", (prune.BasePruningMethod,), kind).apply(layer, "weight")


@case(AttributeError, 'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.')
def structured_pruning_without_a_dimension(torch):
    prune_twice(torch, PRUNING_TYPE="structured")


@case(ValueError, "Unrecognized PRUNING_TYPE odd")
def pruning_of_an_unknown_type(torch):
    prune_twice(torch, PRUNING_TYPE="odd")


@case(IndexError, "Index is out of bounds for tensor with dimensions 2")
def structured_pruning_beyond_the_dimensions(torch):
    prune_twice(torch, PRUNING_TYPE="structured", dim=-3)


@case(TypeError, "attribute `scale`: 1 is not an instance of torch.Tensor")
def functional_call_with_something_else_than_a_tensor(torch):
    layer = torch.nn.Linear(1, 1)
    layer.scale = 1
    importlib.import_module(f"{torch.__name__}.func").functional_call(layer, {"scale": torch.ones(1)}, torch.ones(1, 1))


@case(RuntimeError, "Backward hook for Modules where no input requires gradient should always return None")
def backward_hook_that_makes_gradients_of_nothing(torch):
    layer = torch.nn.Linear(1, 1)
    layer.register_full_backward_hook(lambda module, inputs, outputs: (torch.ones(1, 1),))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer(torch.ones(1, 1)).sum().backward()


@case(ValueError, "Cannot assign non-leaf Tensor to parameter 'x'")
def parameter_that_is_computed(torch):
    computed = torch.nn.Parameter(torch.ones(1)) * 1
    computed.__class__ = torch.nn.Parameter
    torch.nn.Module().register_parameter("x", computed)


@case(AttributeError, "cannot assign module before Module.__init__() call", own=True)
def child_of_a_module_that_is_not_initialised(torch):
    module = torch.nn.Module.__new__(torch.nn.Module)
    module.add_module("x", torch.nn.ReLU())


@case(AssertionError, "Avoid adding multiple pruning hooks to the same tensor weight of module Linear(", own=True)
def pruned_twice_by_hand(torch):
    prune = importlib.import_module(f"{torch.__name__}.nn.utils.prune")
    layer = torch.nn.Linear(2, 2)
    prune.identity(layer, "weight")
    layer.register_forward_pre_hook(next(iter(layer._forward_pre_hooks.values())))
    prune.identity(layer, "weight")


@case(RuntimeError, "Unexpected key in metadata['spectral_norm']: weight.version")
def state_with_the_version_of_spectral_norm(torch):
    layer = torch.nn.utils.spectral_norm(torch.nn.Linear(1, 1))
    for hook in layer._state_dict_hooks.values():
        hook(layer, {}, "", {"spectral_norm": {"weight.version": 1}})


@case(NotImplementedError, "spectral_norm: the state of 'weight' is of PyTorch before 1.0, without weight_v", own=True)
def old_state_of_spectral_norm(torch):
    state = {name: torch.ones(1, 1) for name in ("weight", "weight_orig", "weight_u", "bias")}
    torch.nn.utils.spectral_norm(torch.nn.Linear(1, 1)).load_state_dict(state)


@case(RuntimeError, "lr as a Tensor is not supported for capturable=False and foreach=True")
def learning_rate_that_became_a_tensor(torch):
    optimizer = torch.optim.Adam([leaf(torch, 1)], foreach=True)
    optimizer.param_groups[0]["params"][0].grad = torch.ones(1)
    optimizer.param_groups[0]["lr"] = torch.ones(1)
    optimizer.step()


# ---- views, memory ----


@case(RuntimeError, "A view was created in no_grad mode and is being modified inplace with grad mode enabled")
def change_of_a_view_made_without_grad_mode(torch):
    x = leaf(torch, 2).clone()
    with torch.no_grad():
        view = x[:1]
    view.mul_(leaf(torch, 1))


@case(RuntimeError, "A view was created in no_grad mode and is being modified inplace with grad mode enabled")
def recorded_change_of_a_view_made_without_grad_mode(torch):
    with torch.no_grad():
        view = torch.ones(2)[:1]
    view.mul_(leaf(torch, 1))


@case(RuntimeError, "unsupported operation: more than one element of the written-to tensor refers to a single memory")
def result_into_memory_that_repeats(torch):
    torch.add(torch.zeros(2), 1, out=torch.zeros(1).expand(2))


@case(NotImplementedError, "the memory of this tensor has gaps; clone() it first", own=True)
def resize_of_memory_with_gaps(torch):
    torch.from_numpy(np.ndarray((2,), np.float32, buffer=bytearray(16), strides=(8,))).resize_(4)


@case(RuntimeError, "The tensors ['one', 'other'] are different parts of one memory; save copies of them", own=True)
def saved_model_whose_buffers_share_memory(torch):
    model, memory = torch.nn.Module(), torch.zeros(4)
    model.register_buffer("one", memory[:2])
    model.register_buffer("other", memory[:3])
    importlib.import_module(f"{torch.__name__}.utils.safetensors").save_model(model, "never written")


@case(RuntimeError, "A view was created in no_grad mode and its base or another view of its base has been modified")
def use_of_a_view_made_without_grad_mode(torch):
    x = torch.ones(2)
    with torch.no_grad():
        view = x[:1]
    x.mul_(leaf(torch, 2))
    _ = view.grad_fn


@case(NotImplementedError, "_SingleProcessDataLoaderIter cannot be pickled", own=True)
def pickled_iterator_of_a_loader(torch):
    iter(importlib.import_module(f"{torch.__name__}.utils.data").DataLoader([1])).__getstate__()


def raised(torch, name):
    function, kind, message, _ = CASES[name]
    with pytest.raises(kind) as caught:
        function(torch)
    said = " ".join(str(caught.value).split()).replace("tinygrad_cnn", "torch")
    assert said.startswith(message), said


@pytest.mark.parametrize("name", CASES)
def test_refused(name):
    raised(tinygrad_cnn, name)


@pytest.mark.parity
def test_pytorch_refuses_alike():
    torch = pytest.importorskip("torch")
    for name, (_, _, _, own) in CASES.items():
        if not own:
            raised(torch, name)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: core.check(core.lib.TC_EINVAL), RuntimeError, "invalid argument"),
        (lambda: core.check(core.lib.TC_EINDEX), IndexError, "index out of range"),
        (lambda: core.check(core.lib.TC_ENOMEM), MemoryError, "memory"),
        (lambda: core.empty((2, -1)), RuntimeError, "negative dimension -1: [2, -1]"),
        (lambda: expect_array(np.zeros((2, 2)), "labels", 1, np.uint8), ValueError, "labels: expected uint8 of 1 dim"),
        (lambda: models.regnet_y_128gf(pretrained=True), ValueError, "No weights available for model regnet_y_128gf"),
    ],
)
def test_what_no_script_reaches(call, kind, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(kind) as caught:
            call()
    assert message in str(caught.value)


def test_a_picture_with_16_bits():
    Image = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    Image.new("I;16", (2, 2)).save(stream, "PNG")
    with pytest.raises(NotImplementedError, match="mode I;16 have more than 8 bits a channel"):
        decode_image(tinygrad_cnn.frombuffer(bytearray(stream.getvalue()), dtype=tinygrad_cnn.uint8))


def test_a_profiler_beside_another(monkeypatch):
    class Taken:
        def enable(self):
            raise ValueError("Another profiling tool is already active")

    monkeypatch.setattr("cProfile.Profile", Taken)
    with pytest.raises(RuntimeError, match="another profiler is running: Another profiling tool"):
        tinygrad_cnn.profiler.profile().start()
