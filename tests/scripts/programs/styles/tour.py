"""A tour of tensors, as first lessons show them: shapes, broadcasting, masks, statistics, gradients, printing."""

import json

import numpy as np
import torch

torch.manual_seed(0)
x = torch.rand(3, 4)
results = {
    "cat": torch.cat([x, x], dim=-1).shape,
    "stack": torch.stack((x, x)).shape,
    "permute": x.T.is_contiguous(),
    "view": x.view(2, -1).tolist(),
    "einsum": torch.einsum("ij,kj->ik", x, x).tolist(),
    "where": torch.where(x > 0.5, x, torch.zeros(())).tolist(),
    "stats": [x.mean().item(), x.std().item(), x.var(unbiased=False).item(), x.median().item(), x.norm(p=1).item()],
    "quantile": torch.quantile(x, torch.tensor([0.25, 0.5])).tolist(),
    "cumsum": x.cumsum(0).tolist(),
    "sort": [t.tolist() for t in torch.sort(x, dim=1, descending=True)],
    "unique": [t.tolist() for t in torch.unique(torch.tensor([3, 1, 1, 2]), return_inverse=True, return_counts=True)],
    "mask": x[x > 0.5].tolist(),
    "nonzero": torch.nonzero(x > 0.8).tolist(),
    "argmax": [x.argmax().item(), *x.argmax(1).tolist()],
    "clamp": x.clamp(0.2, 0.7).sum().item(),
    "division": [(torch.tensor([7, -7]) // 2).tolist(), (torch.tensor([7, -7]) % 3).tolist(), torch.div(7, 2).item()],
    "dtype": [
        str((torch.ones(2, dtype=torch.int32) + 1.5).dtype),
        str((torch.tensor(True) + 1).dtype),
        x.double().type(),
    ],
    "bits": [
        (torch.tensor([5, 6]) & 3).tolist(),
        (~torch.tensor([True, False])).tolist(),
        (torch.tensor([1]) << 3).tolist(),
    ],
    "expand": torch.arange(3).view(3, 1).expand(3, 2).tolist(),
    "repeat": torch.tensor([1, 2]).repeat(2, 2).tolist(),
    "roll": torch.arange(6).view(2, 3).roll(1, 1).flip(0).tolist(),
    "scatter": torch.zeros(2, 3).scatter_(1, torch.tensor([[0], [2]]), 1.0).tolist(),
    "split": [list(t.shape) for t in torch.arange(10).split([3, 7])],
    "unfold": torch.arange(7).unfold(0, 3, 2).tolist(),
    "tril": torch.ones(3, 3).tril(-1).tolist(),
    "outer": torch.outer(torch.arange(3.0), torch.arange(2.0)).tolist(),
    "linspace": torch.linspace(0, 1, 5).tolist(),
    "numpy": [float(np.mean(x.numpy())), float(np.array(x).sum()), torch.from_numpy(np.eye(2)).dtype.__str__()],
    "any": [bool((x > 2).any()), torch.all(x < 1).item(), torch.isnan(x).sum().item(), torch.equal(x, x.clone())],
    "linalg": [torch.linalg.norm(x).item(), torch.det(x[:, :3]).item(), torch.trace(x[:, :3]).item()],
    "inverse": torch.inverse(x[:, :3] + torch.eye(3)).tolist(),
    "svd": torch.svd(x)[1].tolist(),
    "random": [torch.randn(2).tolist(), torch.randint(0, 9, (3,)).tolist(), torch.randperm(4).tolist()],
    "normal": torch.normal(mean=torch.arange(3.0), std=0.1).tolist(),
    "histc": torch.histc(x, bins=4, min=0, max=1).tolist(),
    "topk": torch.topk(x.flatten(), 3).indices.tolist(),
    "format": [
        f"{x[0, 0]:.3f}",
        "%.2f" % x[0, 1],
        "{:>8.4f}|{}".format(x[0, 2], x.size()),
        str(x.mean()),
        repr(x[0] > 0.5),
    ],
    "len": [len(x), x.dim(), x.numel(), x.element_size(), x.stride(), x.storage_offset()],
    "bool": [bool(torch.tensor(1)), int(torch.tensor(2.7)), float(torch.tensor(3)), [1, 2, 3][torch.tensor(1)]],
}
for name, value in results.items():
    print(json.dumps({name: value}))
for value in (
    torch.arange(6).view(2, 3),
    x * 1000,
    x.double(),
    torch.tensor([1e-8, 1.0]),
    torch.zeros(0, 3),
    torch.eye(2).bool(),
    torch.tensor(3.5),
    torch.ones(2, requires_grad=True) * 2,
    torch.arange(2000.0),
    torch.tensor([float("nan"), float("inf")]),
):
    print(json.dumps({"print": str(value)}))

w = torch.randn(4, 2, requires_grad=True)
b = torch.zeros(2, requires_grad=True)
target = torch.rand(3, 2)
for _ in range(4):
    loss = ((x @ w + b - target) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= w.grad * 0.5
        b -= b.grad * 0.5
        w.grad.zero_()
        b.grad = None
    print(json.dumps({"loss": loss.item(), "grad_fn": loss.grad_fn.name(), "leaf": w.is_leaf}))
z = torch.tensor([1.0, 2.0], requires_grad=True)
(jacobian,) = torch.autograd.grad((z**3).sum(), z, create_graph=True)
(second,) = torch.autograd.grad(jacobian.sum(), z)
print(
    json.dumps(
        {"second": second.tolist(), "hessian": torch.autograd.functional.hessian(lambda v: (v**3).sum(), z).tolist()}
    )
)
for bad in (lambda: x @ x, lambda: x + torch.ones(5), lambda: w.numpy(), lambda: x.view(5), lambda: (x * 2).backward()):
    try:
        bad()
    except RuntimeError as error:
        print(json.dumps({"message": str(error)}))
