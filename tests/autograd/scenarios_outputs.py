"""Experiments with what custom Functions save, change and return, as `scenarios_backward.py`."""

from __future__ import annotations

from tests.autograd.scenarios_function import _square


def saved_changed(torch):
    x = torch.tensor([3.0], requires_grad=True) * 1
    y = _square(torch).apply(x)
    x.add_(1)
    y.sum().backward()


def saved_output(torch):
    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, grad):
            (y,) = ctx.saved_tensors
            return grad * y

    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    value = Exp.apply(x)
    found = [value]
    for _ in range(3):
        (value,) = torch.autograd.grad(value, x, create_graph=True)
        found.append(value.item())
    return found


def several_outputs(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, x * 3, "text"

        @staticmethod
        def backward(ctx, a, b, c):
            return a * 2 + b * 3

    x = torch.ones(2, requires_grad=True)
    a, b, text = F.apply(x)
    a.sum().backward()
    return [x.grad, text, a.output_nr, b.output_nr, b.requires_grad]


def not_materialized(torch):
    seen = []

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append([a is None, b is None])
            return b * 3

    x = torch.ones(2, requires_grad=True)
    F.apply(x)[1].sum().backward()
    return [seen, x.grad]


def not_differentiable(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            order = x.argsort()
            big = x > 1
            ctx.mark_non_differentiable(order, big)
            return x * 2, order, big

        @staticmethod
        def backward(ctx, grad, order, big):
            return grad * 2

    x = torch.tensor([3.0, 1.0], requires_grad=True)
    y, order, big = F.apply(x)
    y.sum().backward()
    return [x.grad, order.requires_grad, big.requires_grad, order]


def float_not_differentiable(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            other = x * 5
            ctx.mark_non_differentiable(other)
            return x * 2, other

        @staticmethod
        def backward(ctx, grad, other):
            return grad * 2 + other

    x = torch.tensor([3.0, 1.0], requires_grad=True)
    y, other = F.apply(x)
    y.sum().backward()
    return [x.grad, other.requires_grad, other.is_leaf]


def dirty(torch):
    class AddOne(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.add_(1)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 7

    x = torch.ones(2, requires_grad=True)
    y = x * 2
    z = AddOne.apply(y)
    found = [z is y, y.grad_fn.name(), y._version]
    (z * y).sum().backward()
    return [*found, x.grad, y]


def dirty_view(torch):
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x = torch.ones(3, requires_grad=True)
    y = x * 3
    Double.apply(y[0:1])
    (y * y).sum().backward()
    return [x.grad, y]


def dirty_leaf(torch):
    class AddOne(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.add_(1)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad

    AddOne.apply(torch.ones(2, requires_grad=True))


def input_returned(torch):
    class Identity(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 3

    x = torch.ones(2, requires_grad=True)
    y = Identity.apply(x)
    y.sum().backward()
    return [x.grad, y is x, x.is_leaf, y.data_ptr() == x.data_ptr()]


def view_returned(torch):
    class Reshape(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view(-1)

        @staticmethod
        def backward(ctx, grad):
            return grad.view(2, 2) * 2

    x = torch.ones(2, 2, requires_grad=True)
    y = Reshape.apply(x)
    (y * y).sum().backward()
    return x.grad


def save_number(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)
            return x * 2

    F.apply(torch.ones(1, requires_grad=True))


def none_saved(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, bias):
            ctx.save_for_backward(x, bias)
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            saved, bias = ctx.saved_tensors
            return grad * 2 * saved, bias

    x = torch.ones(1, requires_grad=True)
    F.apply(x, None).backward()
    return x.grad


def integer_output(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.long(), x * 2

        @staticmethod
        def backward(ctx, a, b):
            return b * 2

    x = torch.ones(2, requires_grad=True)
    a, b = F.apply(x)
    b.sum().backward()
    return [a.requires_grad, x.grad]


SCENARIOS = [
    value for name, value in list(globals().items()) if callable(value) and name != "annotations" and name[0] != "_"
]
