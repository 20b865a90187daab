"""Small programs of views and in-place changes, run with this package and with PyTorch.

Each takes the module (`torch` or this package) and a leaf `x` of shape (3, 4), float64, that requires a gradient, and
returns a tensor whose sum is differentiated.
"""

from __future__ import annotations


def view_changed_changes_base(torch, x):
    y = x * 2
    y[0].mul_(x[1])
    return y * y


def base_changed_changes_view(torch, x):
    y = x * 2
    v = y[1]
    y.mul_(x)
    return v * v


def both_changed_in_turn(torch, x):
    y = x.clone()
    v = y.view(12)
    v.mul_(3)
    y.add_(x)
    v[2:5].exp_()
    return y * v.view(3, 4)


def view_of_view(torch, x):
    y = x.clone()
    v = y.t()[1:3]
    w = v[:, 1]
    w.mul_(w)
    return y.sin() + v.sum()


def siblings(torch, x):
    y = x * 1
    a, b = y[0], y[0]
    a.mul_(2)
    b.mul_(x[2])
    return a * b


def overwritten_row(torch, x):
    y = x * 3
    y[1] = x[0] * x[2]
    return y * y


def overwritten_by_number(torch, x):
    y = x * 3
    y[1] = 7.0
    return y * y


def zeroed(torch, x):
    y = x * 3
    y.zero_()
    y += x
    return y * x


def constant_base_gets_gradient(torch, x):
    y = torch.zeros(3, 4, dtype=torch.float64)
    y[1] = x[1]
    y[:, 2] += x[:, 0]
    return y * y


def constant_view_then_base(torch, x):
    y = torch.ones(3, 4, dtype=torch.float64)
    v = y[0]
    y.mul_(x)
    return v * 2 + y


def output_saved_then_view(torch, x):
    y = x.exp()
    return y[0] * y.t()[0].sum()


def in_place_chain(torch, x):
    y = x.clone()
    for _ in range(5):
        y = (y * x).add_(1).sigmoid()
    return y


def relu_in_place(torch, x):
    y = x * 2
    y.relu_()
    return y * x


def masked_fill(torch, x):
    y = x * x
    y.masked_fill_(x > 0, 2.0)
    return y * x


def copied_in(torch, x):
    y = x * 1
    y.copy_(x[1])
    return y * y


def diagonal_changed(torch, x):
    y = x * 1
    y[:, :3].diagonal().mul_(x[0, :3])
    return y * y


def squeezed_and_expanded(torch, x):
    y = x[0] * 2
    v = y.unsqueeze(0).expand(3, 4)
    y.add_(x[1])
    return v * x


def stepped_slice(torch, x):
    y = x * 1
    y[::2, 1::2].mul_(x[::2, ::2])
    return y.sqrt() if False else y * y


def multiplied_by_itself(torch, x):
    y = x * 1
    y.mul_(y)
    return y


def multiplied_by_number_zero_dim(torch, x):
    y = x.sum()
    z = y.view(1)
    z.mul_(3)
    return y * z


def change_under_no_grad(torch, x):
    y = x * 2
    with torch.no_grad():
        y.add_(1)
    return y.clone() * x


def detached_alias(torch, x):
    y = x * 2
    d = y.detach()
    d.add_(1)
    return y + x


def view_before_requires_grad(torch, x):
    y = torch.ones(3, 4, dtype=torch.float64)
    v = y[1:]
    v[0] = x[0]
    v[1].mul_(x[1])
    return y * v.sum()


def transposed_in_place(torch, x):
    y = (x * 1).transpose(0, 1)
    y[0].mul_(y[1].clone())
    return y * y


def flattened(torch, x):
    y = (x * 2).flatten()
    y[3:6].pow_(2)
    return y.reshape(3, 4) * x


def chunks(torch, x):
    y = x * 2
    parts = [y[:, :2], y[:, 2:]]
    parts[0].mul_(x[:, 2:])
    y.sub_(1)
    return parts[0] * parts[1]


def grad_of_changed_view_only(torch, x):
    y = x * 2
    v = y[0]
    v.mul_(5)
    y[1:].add_(3)
    return v


def swapped_rows(torch, x):
    y = x * 1
    saved = y[0].clone()
    y[0] = y[1]
    y[1] = saved
    return y * x


PROGRAMS = [value for name, value in list(globals().items()) if callable(value) and name != "annotations"]
