"""Experiments with backward and grad.

Each scenario takes the module (this package or PyTorch) and returns numbers, strings, lists of them, or tensors; or
raises. Result or exception must be the same for both.
"""

from __future__ import annotations


def accumulate(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    (x * 3).sum().backward()
    return x.grad


def retain_graph(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = x**3
    y.backward(retain_graph=True)
    y.backward()
    return x.grad


def second_backward(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = x * x
    y.backward()
    y.backward()


def second_backward_nothing_saved(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = x + 1
    y.backward()
    y.backward()
    return x.grad


def second_backward_product_with_number(torch):
    y = (torch.ones(2, requires_grad=True) * 2).sum()
    y.backward()
    y.backward()


def second_backward_quotient_by_number(torch):
    y = (torch.ones(2, requires_grad=True) / 2).sum()
    y.backward()
    y.backward()


def second_backward_index(torch):
    y = torch.ones(3, requires_grad=True)[torch.tensor([0, 2])].sum()
    y.backward()
    y.backward()


def second_backward_largest(torch):
    y = torch.ones(2, 3, requires_grad=True).max(1)[0].sum()
    y.backward()
    y.backward()


def second_grad(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = x.exp()
    torch.autograd.grad(y, x)
    torch.autograd.grad(y, x)


def not_scalar(torch):
    torch.ones(2, requires_grad=True).mul(2).backward()


def one_element_not_scalar(torch):
    x = torch.ones(1, 1, requires_grad=True)
    (x * 2).backward()
    return x.grad


def no_graph(torch):
    torch.ones(2).sum().backward()


def leaf_backward(torch):
    x = torch.tensor(3.0, requires_grad=True)
    x.backward()
    return x.grad


def leaf_backward_twice(torch):
    x = torch.tensor(3.0, requires_grad=True)
    x.backward()
    x.backward(torch.tensor(5.0))
    return x.grad


def wrong_gradient_shape(torch):
    x = torch.ones(2, requires_grad=True)
    (x * 2).backward(torch.ones(3))


def gradient_given(torch):
    x = torch.ones(2, requires_grad=True)
    (x * 2).backward(torch.tensor([1.0, 10.0]))
    return x.grad


def gradient_requires_no_tensor(torch):
    x = torch.ones(2, requires_grad=True)
    (x * 2).backward([1.0, 1.0])


def third_order(torch):
    x = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    value = (x**4) * x.exp()
    found = []
    for _ in range(3):
        (value,) = torch.autograd.grad(value, x, create_graph=True)
        found.append(value.item())
    return found


def create_graph_in_backward(torch):
    x = torch.tensor(2.0, requires_grad=True)
    (x**3).backward(create_graph=True)
    first = x.grad
    found = [first.requires_grad]
    x.grad = None
    first.backward()
    return [*found, x.grad]


def grad_of_unused(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = torch.tensor(2.0, requires_grad=True)
    torch.autograd.grad(x * 2, [x, y])


def grad_of_unused_allowed(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = torch.ones(2, requires_grad=True)
    return [
        torch.autograd.grad(x * 2, [x, y], allow_unused=True)[1],
        torch.autograd.grad(x * 2, [x, y], materialize_grads=True)[1],
    ]


def grad_materialize_contradiction(torch):
    x = torch.tensor(2.0, requires_grad=True)
    torch.autograd.grad(x * 2, x, allow_unused=False, materialize_grads=True)


def grad_of_no_grad_input(torch):
    x = torch.tensor(2.0, requires_grad=True)
    torch.autograd.grad(x * 2, torch.ones(1))


def grad_of_intermediate(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = x * 3
    z = y * y
    return [*torch.autograd.grad(z, [y, x, z]), x.grad]


def grad_of_itself(torch):
    x = torch.tensor(2.0, requires_grad=True)
    return torch.autograd.grad(x, x)[0]


def grad_same_input_twice(torch):
    x = torch.tensor(2.0, requires_grad=True)
    return list(torch.autograd.grad(x * x, [x, x]))


def several_outputs(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    a, b = x * 2, x * x
    return list(torch.autograd.grad([a, b], x, [torch.ones(2), torch.tensor([1.0, 10.0])]))


def outputs_and_gradients_mismatch(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    torch.autograd.grad([x * 2], x, [torch.ones(2), torch.ones(2)])


def backward_of_list(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    torch.autograd.backward([x.sum(), (x * x).sum()])
    return x.grad


def backward_inputs(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = torch.tensor(3.0, requires_grad=True)
    (x * y).backward(inputs=[x])
    return [x.grad, y.grad]


def backward_inputs_intermediate(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = x * 2
    (y * y).backward(inputs=[y])
    return [x.grad, y.grad]


def backward_inputs_empty(torch):
    x = torch.tensor(2.0, requires_grad=True)
    (x * 2).backward(inputs=[])


def diamond(torch):
    x = torch.tensor(1.1, dtype=torch.float64, requires_grad=True)
    y = x
    for _ in range(30):
        y = y * 0.5 + y * 0.5
    y.backward()
    return x.grad


def reused_in_every_way(torch):
    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    y = x * x + x.sum() * x + x[0] * x[1:].sum() + (x - x) + x / x
    y.sum().backward()
    return x.grad


def grad_names(torch):
    x = torch.ones(2, 2, requires_grad=True)
    y = (x * 2).sum()
    found = [y.grad_fn.name(), y.grad_fn.next_functions[0][0].name(), len(y.grad_fn.next_functions)]
    found.append(y.grad_fn.next_functions[0][0].next_functions[0][0].variable is x)
    return found


def int_inputs_in_graph(torch):
    x = torch.ones(3, requires_grad=True)
    index = torch.tensor([0, 0, 2])
    y = x[index] * torch.tensor([1, 2, 3])
    y.sum().backward()
    return x.grad


def mixed_dtypes(torch):
    x = torch.ones(2, requires_grad=True)
    y = torch.ones(2, dtype=torch.float64, requires_grad=True)
    z = x * y
    z.sum().backward()
    return [str(z.dtype), str(x.grad.dtype), str(y.grad.dtype)]


def grad_keeps_graph_of_other(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = x * x
    a, b = y * 2, y.exp()
    torch.autograd.grad(a, y)
    return list(torch.autograd.grad(b, x))


SCENARIOS = [value for name, value in list(globals().items()) if callable(value) and name != "annotations"]
