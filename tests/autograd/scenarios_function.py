"""Experiments with custom Functions, as `scenarios_backward.py`."""

from __future__ import annotations


def _square(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 2 * x

    return Square


def simple(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = _square(torch).apply(x)
    y.sum().backward()
    return [x.grad, y.grad_fn.name(), repr(y)]


def twice_differentiable(torch):
    x = torch.tensor(3.0, requires_grad=True)
    (first,) = torch.autograd.grad(_square(torch).apply(x), x, create_graph=True)
    return list(torch.autograd.grad(first, x))


def second_backward(torch):
    x = torch.tensor(3.0, requires_grad=True)
    y = _square(torch).apply(x)
    y.backward()
    y.backward()


def constant_arguments(torch):
    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor, name):
            ctx.factor = factor
            return x * factor

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.factor, None, None

    x = torch.tensor(2.0, requires_grad=True)
    Scale.apply(x, 5.0, "name").backward()
    return x.grad


def too_few_gradients(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, grad):
            return grad

    F.apply(torch.ones(1, requires_grad=True), torch.ones(1)).backward()


def too_many_gradients(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    F.apply(torch.ones(1, requires_grad=True)).backward()


def too_many_none(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad, None, None

    x = torch.ones(1, requires_grad=True)
    F.apply(x).backward()
    return x.grad


def returns_number(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return 3

    F.apply(torch.ones(1, requires_grad=True)).backward()


def wrong_gradient_shape(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return torch.ones(3)

    F.apply(torch.ones(2, requires_grad=True)).sum().backward()


def needs_input_grad(torch):
    seen = []

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y, z):
            seen.append(list(ctx.needs_input_grad))
            return x * y * z

        @staticmethod
        def backward(ctx, grad):
            seen.append(list(ctx.needs_input_grad))
            return grad, grad, None

    F.apply(torch.ones(1, requires_grad=True), torch.ones(1), 3).backward()
    return seen


def no_graph(torch):
    y = _square(torch).apply(torch.ones(2))
    with torch.no_grad():
        z = _square(torch).apply(torch.ones(2, requires_grad=True))
    return [y.requires_grad, z.requires_grad]


def grad_mode_inside(torch):
    seen = []

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            seen.append(torch.is_grad_enabled())
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            seen.append(torch.is_grad_enabled())
            return grad * 2

    x = torch.ones(1, requires_grad=True)
    F.apply(x).backward()
    torch.autograd.grad(F.apply(x), x, create_graph=True)
    return seen


def setup_context(torch):
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(x, power):
            return x**power

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, power = inputs
            ctx.power = power
            ctx.save_for_backward(x, output)

        @staticmethod
        def backward(ctx, grad):
            x, output = ctx.saved_tensors
            return grad * ctx.power * output / x, None

    x = torch.tensor(2.0, requires_grad=True)
    Cube.apply(x, 3).backward()
    return x.grad


def once(torch):
    from importlib import import_module

    once_differentiable = import_module(torch.__name__ + ".autograd.function").once_differentiable

    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            return grad * 4

    x = torch.tensor(2.0, requires_grad=True)
    (first,) = torch.autograd.grad(F.apply(x) * x, x, create_graph=True)
    found = [first.requires_grad]
    try:
        torch.autograd.grad(first, x)
    except RuntimeError as error:
        return [*found, str(error)]


def instantiated(torch):
    _square(torch)()


def forward_missing(torch):
    class F(torch.autograd.Function):
        pass

    F.apply(torch.ones(1, requires_grad=True))


def backward_missing(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    F.apply(torch.ones(1, requires_grad=True)).backward()


def error_in_backward(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            raise ValueError("my own")

    F.apply(torch.ones(1, requires_grad=True)).backward()


def keyword_arguments(torch):
    _square(torch).apply(x=torch.ones(1))


def broadcast_gradient(torch):
    class F(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x + torch.zeros(3, 2)

        @staticmethod
        def backward(ctx, grad):
            return grad

    x = torch.ones(2, requires_grad=True)
    F.apply(x).sum().backward()
    return x.grad


SCENARIOS = [
    value for name, value in list(globals().items()) if callable(value) and name != "annotations" and name[0] != "_"
]
