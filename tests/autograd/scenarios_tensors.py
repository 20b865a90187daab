"""Experiments with leaves, versions, modes, and in-place changes, as `scenarios_backward.py`."""

from __future__ import annotations


def leaf_changed(torch):
    torch.ones(2, requires_grad=True).add_(1)


def view_of_leaf_changed(torch):
    torch.ones(2, requires_grad=True)[0].add_(1)


def leaf_changed_under_no_grad(torch):
    x = torch.ones(2, requires_grad=True)
    y = (x * x).sum()
    with torch.no_grad():
        x.add_(1)
    try:
        y.backward()
    except RuntimeError as error:
        return [x, str(error)]


def saved_changed(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    z = y * y
    y.add_(1)
    z.sum().backward()


def saved_output_changed(torch):
    x = torch.ones(2, requires_grad=True)
    y = x.exp()
    y.add_(1)
    y.sum().backward()


def saved_output_unused_changed(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.add_(1)
    y.sum().backward()
    return x.grad


def saved_changed_through_view(torch):
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    z = y * y
    y[0] = 3.0
    z.sum().backward()


def saved_changed_through_data(torch):
    x = torch.ones(2, requires_grad=True)
    z = x * x
    x.data.add_(1)
    z.sum().backward()
    return x.grad


def versions(torch):
    x = torch.ones(2)
    found = [x._version]
    x.add_(1)
    v = x[0]
    found.append(v._version)
    v.mul_(2)
    found += [x._version, v._version]
    x.detach().add_(1)
    found.append(x._version)
    x.data.add_(1)
    found.append(x._version)
    x.clone().add_(1)
    found.append(x._version)
    x.zero_()
    x.fill_(2)
    x[1] = 5
    found.append(x._version)
    x.copy_(torch.ones(2))
    found.append(x._version)
    return found


def detach_stops(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = (x * 2).detach() * x
    y.backward()
    return [x.grad, (x * 2).detach().requires_grad]


def detach_in_place(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = x * 2
    y.detach_()
    return [y.requires_grad, y.is_leaf, str(y.grad_fn)]


def detach_in_place_view(torch):
    x = torch.ones(2, requires_grad=True)
    (x * 2)[0].detach_()


def no_grad_modes(torch):
    x = torch.tensor(2.0, requires_grad=True)
    found = []
    with torch.no_grad():
        found.append((x * 2).requires_grad)
        with torch.enable_grad():
            found.append((x * 2).requires_grad)
        found.append(torch.is_grad_enabled())
    found.append(torch.is_grad_enabled())
    with torch.set_grad_enabled(False):
        found.append((x * 2).requires_grad)
    torch.set_grad_enabled(False)
    found.append((x * 2).requires_grad)
    torch.set_grad_enabled(True)
    found.append((x * 2).requires_grad)
    return found


def no_grad_decorators(torch):
    x = torch.tensor(2.0, requires_grad=True)

    @torch.no_grad()
    def one():
        return (x * 2).requires_grad

    @torch.no_grad
    def two():
        return (x * 2).requires_grad

    @torch.enable_grad()
    def three():
        return (x * 2).requires_grad

    @torch.no_grad()
    def generator():
        yield torch.is_grad_enabled()
        yield torch.is_grad_enabled()

    found = [one(), two()]
    with torch.no_grad():
        found.append(three())
    for value in generator():
        found += [value, torch.is_grad_enabled()]
    return found


def no_grad_after_error(torch):
    try:
        with torch.no_grad():
            raise KeyError("x")
    except KeyError:
        return torch.is_grad_enabled()


def requires_grad_of_integers(torch):
    torch.ones(2, dtype=torch.int64).requires_grad_()


def requires_grad_off_inside(torch):
    (torch.ones(2, requires_grad=True) * 2).requires_grad_(False)


def assign_wrong_grad_shape(torch):
    torch.ones(2, requires_grad=True).grad = torch.ones(3)


def assign_wrong_grad_dtype(torch):
    torch.ones(2, requires_grad=True).grad = torch.ones(2, dtype=torch.float64)


def assign_grad_number(torch):
    torch.ones(2, requires_grad=True).grad = 3


def assign_grad_self(torch):
    x = torch.ones(2, requires_grad=True)
    x.grad = x


def saved_accessors(torch):
    x = torch.ones(2, requires_grad=True)
    found = [x.is_leaf, x.requires_grad, str(x.grad_fn), x.output_nr, x.grad]
    y = x * 2
    return [*found, y.is_leaf, y.requires_grad, y.output_nr]


def deepcopy_not_leaf(torch):
    import copy

    copy.deepcopy(torch.ones(2, requires_grad=True) * 2)


def deepcopy_leaf(torch):
    import copy

    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    y = copy.deepcopy([x, x])
    return [y[0] is y[1], y[0].grad, y[0].requires_grad, y[0].data_ptr() != x.data_ptr()]


def numpy_of_graph(torch):
    torch.ones(2, requires_grad=True).numpy()


def inplace_mixed_dtypes(torch):
    x = torch.ones(2, requires_grad=True)
    y = torch.full((2,), 3.0, dtype=torch.float64, requires_grad=True)
    z = x * 2
    z *= y
    z.sum().backward()
    return [str(z.dtype), x.grad, y.grad]


def inplace_to_int(torch):
    torch.ones(2, dtype=torch.int64).add_(1.5)


def inplace_broadcast_wrong(torch):
    torch.ones(2).add_(torch.ones(3, 2))


def view_made_without_grad_then_changed(torch):
    x = torch.ones(3, requires_grad=True)
    y = x * 1
    with torch.no_grad():
        v = y[0]
    v.mul_(2)


def variable_api(torch):
    from_variable = torch.autograd.Variable(torch.ones(2), requires_grad=True)
    return [from_variable, isinstance(from_variable, torch.autograd.Variable), isinstance(3, torch.autograd.Variable)]


SCENARIOS = [value for name, value in list(globals().items()) if callable(value) and name != "annotations"]
