"""Experiments with hooks and retained gradients, as `scenarios_backward.py`."""

from __future__ import annotations


def hooks_in_order(torch):
    seen = []
    x = torch.tensor(1.0, requires_grad=True)
    y = x * 2
    y.register_hook(lambda grad: seen.append(["y1", float(grad)]) or grad * 10)
    y.register_hook(lambda grad: seen.append(["y2", float(grad)]))
    x.register_hook(lambda grad: seen.append(["x1", float(grad)]) or grad + 1)
    handle = x.register_hook(lambda grad: seen.append(["never"]))
    handle.remove()
    y.backward(retain_graph=True)
    y.backward()
    return [*seen, x.grad]


def hook_sees_sum(torch):
    seen = []
    x = torch.tensor(1.0, requires_grad=True)
    y = x * 2
    y.register_hook(lambda grad: seen.append(float(grad)))
    (y * 3 + y * y).backward()
    return seen


def leaf_hook_sees_sum(torch):
    seen = []
    x = torch.tensor(3.0, requires_grad=True)
    x.register_hook(lambda grad: seen.append(float(grad)))
    (x * x + x).backward()
    return seen


def hook_with_grad_function(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.register_hook(lambda grad: grad * 2)
    x.register_hook(lambda grad: grad * 5)
    return [
        *torch.autograd.grad(y.sum(), x, retain_graph=True),
        *torch.autograd.grad(y.sum(), y),
        x.grad,
    ]


def hook_returns_other_size(torch):
    x = torch.ones(2, requires_grad=True)
    x.register_hook(lambda grad: torch.ones(3))
    x.sum().backward()


def hook_returns_number(torch):
    x = torch.ones(2, requires_grad=True)
    x.register_hook(lambda grad: 3)
    x.sum().backward()


def hook_returns_other_dtype(torch):
    x = torch.ones(2, requires_grad=True)
    x.register_hook(lambda grad: grad.double())
    x.sum().backward()


def _changed_by_a_node(torch, change, before=False):
    """Gradients of exp, whose node's hook, before or after it, replaces a tuple of gradients."""

    def hook(grads, *_):
        return change(grads)

    x = torch.ones(3, dtype=torch.float64, requires_grad=True)
    y = x.exp()
    (y.grad_fn.register_prehook if before else y.grad_fn.register_hook)(hook)
    return torch.autograd.grad(y.sum(), x, allow_unused=True)[0]


def _both_ways(change):
    return (
        lambda torch: _changed_by_a_node(torch, change),
        lambda torch: _changed_by_a_node(torch, change, before=True),
    )


node_hook_doubles, node_prehook_doubles = _both_ways(lambda grads: (grads[0] * 2,))
node_hook_returns_tensor, node_prehook_returns_tensor = _both_ways(lambda grads: grads[0])
node_hook_returns_list, node_prehook_returns_list = _both_ways(list)
node_hook_returns_number, node_prehook_returns_number = _both_ways(lambda grads: (3,))
node_hook_returns_two, node_prehook_returns_two = _both_ways(lambda grads: (*grads, *grads))
node_hook_changes_size, node_prehook_changes_size = _both_ways(lambda grads: (grads[0][:1],))
node_hook_changes_dtype, node_prehook_changes_dtype = _both_ways(lambda grads: (grads[0].float(),))
node_hook_removes, node_prehook_removes = _both_ways(lambda grads: (None,))


def node_hook_adds_a_gradient(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * torch.ones(2)

    def hook(grads, _):
        return grads[0], grads[0]

    y.grad_fn.register_hook(hook)
    y.sum().backward()


def hook_without_grad(torch):
    torch.ones(2).register_hook(print)


def post_accumulate(torch):
    seen = []
    x = torch.tensor(2.0, requires_grad=True)
    handle = x.register_post_accumulate_grad_hook(lambda leaf: seen.append(float(leaf.grad)))
    (x * x).backward()
    (x * x).backward()
    handle.remove()
    (x * x).backward()
    return seen


def post_accumulate_not_leaf(torch):
    x = torch.tensor(2.0, requires_grad=True) * 2
    x.register_post_accumulate_grad_hook(print)


def post_accumulate_clears(torch):
    x = torch.tensor(2.0, requires_grad=True)

    def clear(leaf):
        leaf.grad = None

    x.register_post_accumulate_grad_hook(clear)
    (x * x).backward()
    return x.grad


def node_hooks(torch):
    seen = []
    x = torch.tensor(2.0, requires_grad=True)
    y = x * 3
    y.grad_fn.register_prehook(lambda grads: seen.append(float(grads[0])) or (grads[0] * 2,))
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append([float(inputs[0]), float(outputs[0])]) or None)
    y.backward()
    return [*seen, x.grad]


def retain_grad(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    z = y * y
    found = [y.retains_grad, z.retains_grad, x.retains_grad]
    z.sum().backward(retain_graph=True)
    z.sum().backward()
    return [*found, y.grad, x.grad]


def retain_grad_without(torch):
    torch.ones(2).retain_grad()


def retain_grad_after_hook(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda grad: grad * 10)
    y.sum().backward()
    return y.grad


def retain_grad_on_changed(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    (y * y).sum().backward()
    return [y.grad, x.grad]


def reentrant(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = torch.tensor(3.0, requires_grad=True)
    found = []

    def hook(grad):
        (y * y).backward()
        found.append(float(y.grad))
        return grad

    z = x * 2
    z.register_hook(hook)
    z.backward()
    return [*found, x.grad]


SCENARIOS = [value for name, value in list(globals().items()) if callable(value) and name != "annotations"]
