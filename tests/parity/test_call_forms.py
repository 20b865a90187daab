"""Ways of calling that scripts use and signatures do not show: other names, old orders, keywords, numbers, decorators.

Each line runs with both packages; results, types of exceptions and messages must agree.
"""

from __future__ import annotations

import pytest

from tests.nn.twin import check_twin

FORMS = [
    # NumPy's names for `dim` and `keepdim`
    *(f"torch.ones(2, 3).{name}(axis=1)" for name in (
        "softmax", "log_softmax", "sort", "argsort", "unbind", "diff", "nansum", "aminmax", "cummax", "cummin",
        "logcumsumexp", "sum", "mean", "std", "prod", "argmax", "any", "squeeze", "unsqueeze", "kthvalue(1, ",
    ) if "(" not in name),
    "torch.ones(2, 3).topk(1, axis=0)", "torch.ones(2, 3).kthvalue(1, axis=0, keepdims=True)",
    "torch.ones(2, 3).chunk(2, axis=1)", "torch.var_mean(torch.rand(2, 3) * 0, axis=1)",
    "torch.ones(2, 3).gather(axis=1, index=torch.tensor([[0], [1]]))", "torch.ones(2, 3).select(axis=0, index=1)",
    "torch.ones(2, 3).index_select(axis=1, index=torch.tensor([2]))", "torch.cat([torch.ones(2)] * 2, axis=0)",
    # sizes and orders as keywords
    "torch.ones(4).view(size=(2, 2))", "torch.ones(4).view(dtype=torch.int32)", "torch.ones(4).reshape(shape=(2, 2))",
    "torch.reshape(torch.ones(4), shape=(2, 2))", "torch.arange(6).view(2, 3).permute(dims=(1, 0))",
    "torch.permute(torch.ones(2, 3), dims=(1, 0))", "torch.ones(3).expand(size=(2, 3))",
    "torch.ones(3).repeat(repeats=(2,))", "torch.ones(3).split(split_size=2)", "torch.ones(3).random_(to=1)",
    "torch.swapaxes(torch.ones(2, 3), axis0=0, axis1=1)", "torch.ones(2, 3).swapdims(dim0=0, dim1=1)",
    # counts alone, numbers, negative places
    "torch.repeat_interleave(torch.tensor([1, 0, 2]))", "torch.zeros(3).copy_(2.5)", "torch.zeros(2).long().copy_(2.5)",
    "torch.ones(3).index_fill_(0, torch.tensor([-1]), 2.)", "torch.ones(3).index_fill(0, torch.tensor([-4]), 2.)",
    "torch.ones(3).index_fill(0, torch.tensor([3, -1]), 2.)", "torch.tensor([True, False]) ** True",
    # memory that repeats, views that get other dimensions
    "torch.ones(3, 1).expand(3, 4).zero_()", "torch.ones(3, 1).expand(3, 4).fill_(2)",
    "torch.ones(3, 1).expand(3, 4).add_(1)", "torch.zeros(2, 4)[0].unsqueeze_(0)",
    "torch.arange(12.).view(3, 4).t_()", "torch.arange(12.).view(3, 1, 4)[1:].squeeze_(1)",
    "torch.zeros_like(torch.ones(2, 3).t(), memory_format=torch.contiguous_format).stride()",
    "torch.ones_like(torch.ones(2, 3).t()).stride()",
    "torch.rand_like(torch.ones(2, 3).t(), memory_format=torch.contiguous_format).stride()",
    # medians share their gradient
    *(f"gradient(lambda x: x.{name}(), [1., 1., 0., 1.])" for name in ("median", "nanmedian")),
    "gradient(lambda x: x.median(), [1., nan, 0., nan])", "gradient(lambda x: x.nanmedian(), [1., nan, 1., 3.])",
    "gradient(lambda x: x.median() * x.sum(), [[1., 2.], [2., 3.]])",
    # what a tensor that requires grad refuses
    "setattr(torch.ones(2, requires_grad=True), 'data', torch.ones(2).long())",
    # degrees of freedom
    "torch.ones(2, 3).std(0, correction=1)",
    # switches as contexts and decorators
    "torch.inference_mode(lambda: torch.is_grad_enabled())()",
    "torch.inference_mode()(lambda: torch.is_grad_enabled())()",
    "torch.set_grad_enabled(mode=True) and torch.is_grad_enabled()",
    "torch.device('cpu').__enter__()",
    # losses: dtypes that do not go together, constants
    *(f"F.{loss}(torch.tensor([.2, .9]), torch.tensor([.2, .9]) > .5)" for loss in (
        "mse_loss", "smooth_l1_loss", "huber_loss", "l1_loss", "binary_cross_entropy")),
    *(f"F.{loss}(torch.tensor([True]), torch.tensor([True]))" for loss in ("mse_loss", "smooth_l1_loss", "huber_loss")),
    "F.mse_loss(torch.tensor([.2, .9]) > .5, torch.tensor([.2, .9]))",
    *(f"F.binary_cross_entropy(torch.tensor([.2, .9]), torch.tensor({target}))" for target in (
        "[0, 1]", "[0., 2.]", "[0., nan]", "[0., 1.], dtype=torch.float64")),
    "F.binary_cross_entropy(torch.tensor([0, 1]), torch.tensor([0, 1]))",
    "F.binary_cross_entropy(torch.tensor([.2, .9]), torch.ones(2), weight=torch.ones(2).double())",
    *(f"F.binary_cross_entropy_with_logits(torch.tensor({one}), torch.tensor({other}))" for one, other in (
        ("[.5, 1]", "[0, 1]"), ("[.5, 1], dtype=torch.float64", "[0., 1]"), ("[.5, 1]", "[0., 1], dtype=torch.float64"),
        ("[0, 1]", "[0., 1]"), ("[0, 1]", "[0, 1]"), ("[.5, 1]", "[True, False]"))),
    "F.kl_div(torch.ones(3), torch.ones(3).long(), reduction='sum')",
    *(f"F.nll_loss(torch.ones({shape}), torch.zeros({target}).long(), weight=torch.ones(3, requires_grad=True))"
      for shape, target in (("2, 3", "2"), ("2, 3, 4, 4", "2, 4, 4"))),
    "F.batch_norm(torch.ones(2, 3), torch.ones(3, requires_grad=True), torch.ones(3), training=True)",
    "F.binary_cross_entropy(torch.ones(3), torch.ones(3), weight=torch.ones(3, requires_grad=True))",
    "F.binary_cross_entropy_with_logits(torch.ones(3), torch.ones(3), pos_weight=torch.ones(3, requires_grad=True))",
    # errors that name the layer and C's types
    *(f"torch.nn.Linear(3, 2, bias=False)(torch.ones(1, 3).{dtype}())" for dtype in ("half", "bfloat16", "short")),
    "torch.nn.Bilinear(2, 2, 2)(torch.ones(1, 2).half(), torch.ones(1, 2).half())",
    "torch.nn.Conv2d(1, 1, 1)(torch.ones(1, 1, 2, 2).half())", "torch.ones(2, 2) @ torch.ones(2, 2).half()",
    "torch.nn.Conv2d(1, 3)", "torch.nn.Conv2d(1, 2, 3, out_channel=3)", "torch.nn.Conv2d(1, 1, 1)()",
    "torch.nn.ConvTranspose2d(1, 1, 1)()", "torch.nn.AvgPool2d()",
    "F.scaled_dot_product_attention(*[torch.ones(2, 3, 0, 4)] * 3, attn_mask=torch.tensor(True)).shape",
    # views know their base
    "torch.ones(4)[1:]._is_view()", "torch.ones(4)._is_view()", "torch.ones(4)._base is None",
    "(lambda x: x.view(2, 2)[0]._base is x)(torch.ones(4))",
    # nodes of the graph
    *(f"type(({expression}).grad_fn).__name__" for expression in (
        "leaf * 2", "leaf.sum()", "leaf.view(3)", "leaf.sort()[0]", "torch.nn.Linear(3, 2)(leaf[None])",
        "leaf.exp().clone()")),
    *(f"type(torch.nn.Linear(3, 2)(leaf.exp().view(1, 3)).grad_fn.next_functions[{n}][0]).__name__" for n in (0, 1)),
    "type(leaf.exp().grad_fn.next_functions[0][0]).__name__", "leaf.exp().grad_fn.next_functions[0][0].name()",
    "twice(torch).apply(leaf).grad_fn.kept", "twice(torch).apply(leaf).grad_fn.name()",
    "type(twice(torch).apply(leaf).grad_fn).__name__", "twice(torch).apply(leaf).grad_fn.saved_tensors",
]  # fmt: skip


def run(torch, expression):
    def gradient(function, values):
        x = torch.tensor(values, requires_grad=True)
        return torch.autograd.grad(function(x), x)[0]

    torch.manual_seed(0)
    leaf = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    names = {"F": torch.nn.functional, "torch": torch, "leaf": leaf, "gradient": gradient, "twice": twice}
    return eval(expression, names | {"nan": float("nan")})


def twice(torch):
    """A user's operation that keeps a number and a tensor."""

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.kept = "kept"
            ctx.save_for_backward(x)
            return x * 2

    return Twice


@pytest.mark.parity
@pytest.mark.parametrize("expression", FORMS)
def test_as_pytorch(expression):
    pytest.importorskip("torch")
    check_twin(lambda torch: run(torch, expression), rtol=1e-6)


OLD = {
    "torch.add(x, 2, y)": [7, 10],
    "x.add(2, y)": [7, 10],
    "x.add_(-1, y)": [-2, -2],
    "torch.sub(x, 2, y)": [-5, -6],
    "x.sub_(2, y)": [-5, -6],
    "x.addcmul_(2, y, y)": [19, 34],
    "torch.addcmul(x, 2, y, y)": [19, 34],
    "x.addcdiv_(-1., y, y)": [0, 1],
    "torch.addcdiv(x, .5, y, y)": [1.5, 2.5],
}


@pytest.mark.parametrize("expression", OLD)
def test_a_number_before_the_tensors_is_taken_with_a_warning(expression):
    import tinygrad_cnn as torch

    names = {"torch": torch, "x": torch.tensor([1.0, 2.0]), "y": torch.tensor([3.0, 4.0])}
    with pytest.warns(UserWarning, match="deprecated"):
        assert eval(expression, names).tolist() == OLD[expression]


@pytest.mark.parametrize("expression", ["torch.add(x, x, x)", "torch.add(x, 2, x, x)", "x.addcmul(2, x, x, x)"])
def test_no_other_order_is_taken(expression):
    import tinygrad_cnn as torch

    with pytest.raises(TypeError, match="positional arguments"):
        eval(expression, {"torch": torch, "x": torch.ones(2)})


def test_variance_of_one_number_warns():
    import tinygrad_cnn as torch

    for name in ("std", "var"):
        with pytest.warns(UserWarning, match=f"{name}.*degrees of freedom"):
            assert getattr(torch.ones(1), name)().isnan()


def test_views_that_get_other_dimensions_stay_views():
    import tinygrad_cnn as torch

    base = torch.zeros(3, 4)
    row, weight = base[0].unsqueeze_(0), torch.ones(4, requires_grad=True)
    row += 1
    assert base[0].tolist() == [1, 1, 1, 1]
    row *= weight * 2  # the base becomes part of the graph
    base.sum().backward()
    assert weight.grad.tolist() == [2, 2, 2, 2]


def test_gradients_of_sums_can_be_cleared_in_hooks():
    import tinygrad_cnn as torch

    leaf = torch.ones(3, requires_grad=True)
    y = leaf * 2
    y.register_hook(lambda grad: grad.zero_())
    y.sum().backward()
    assert leaf.grad.tolist() == [0, 0, 0]
