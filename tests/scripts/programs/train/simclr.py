"""Contrastive learning without labels: two views, normalised projections, a similarity matrix and masks; LARS-like steps."""

import json

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(12)


def augment(x):
    x = torch.flip(x, dims=[3]) if torch.rand(1).item() > 0.5 else x
    shift = torch.randint(-2, 3, (2,)).tolist()
    x = torch.roll(x, shifts=shift, dims=(2, 3))
    brightness = torch.empty(x.size(0), 1, 1, 1).uniform_(0.8, 1.2)
    return (x * brightness + torch.randn_like(x) * 0.05).clamp_(0, 1)


class Encoder(nn.Module):
    def __init__(self, feature_dim=8):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.f.add_module("conv2", nn.Conv2d(8, 16, 3, 2, 1))
        self.g = nn.Sequential(nn.Linear(16, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, feature_dim))

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.f(x), 1)
        feature = torch.flatten(x, start_dim=1)
        out = self.g(feature)
        return F.normalize(feature, dim=-1), F.normalize(out, dim=-1)


class LARS(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1, momentum=0.9, eta=0.02):
        super().__init__(params, dict(lr=lr, momentum=momentum, eta=eta))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                dp = p.grad
                if p.ndim > 1:
                    param_norm, update_norm = torch.norm(p), torch.norm(dp)
                    one = torch.ones_like(param_norm)
                    q = torch.where(
                        param_norm > 0.0,
                        torch.where(update_norm > 0, group["eta"] * param_norm / update_norm, one),
                        one,
                    )
                    dp = dp.mul(q)
                state = self.state[p]
                if "mu" not in state:
                    state["mu"] = torch.zeros_like(p)
                mu = state["mu"]
                mu.mul_(group["momentum"]).add_(dp)
                p.add_(mu, alpha=-group["lr"])


def nt_xent(out_1, out_2, temperature=0.5):
    batch_size = out_1.shape[0]
    out = torch.cat([out_1, out_2], dim=0)
    sim_matrix = torch.exp(torch.mm(out, out.t().contiguous()) / temperature)
    mask = (torch.ones_like(sim_matrix) - torch.eye(2 * batch_size, device=sim_matrix.device)).bool()
    sim_matrix = sim_matrix.masked_select(mask).view(2 * batch_size, -1)
    pos_sim = torch.exp(torch.sum(out_1 * out_2, dim=-1) / temperature)
    pos_sim = torch.cat([pos_sim, pos_sim], dim=0)
    return (-torch.log(pos_sim / sim_matrix.sum(dim=-1))).mean()


model = Encoder()
images = torch.rand(24, 3, 12, 12)
labels = torch.arange(24) % 3
images[range(24), labels] += 0.7
optimizer = LARS(model.parameters())
for epoch in range(7):
    _, out_1 = model(augment(images))
    _, out_2 = model(augment(images))
    loss = nt_xent(out_1, out_2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(json.dumps({"nt_xent": loss.item()}))

model.eval()
with torch.no_grad():
    feature, _ = model(images)
    sim_weight, sim_indices = torch.mm(feature, feature.t()).fill_diagonal_(-1).topk(k=5, dim=-1)
    sim_labels = torch.gather(labels.expand(24, -1), dim=-1, index=sim_indices)
    one_hot = torch.zeros(24 * 5, 3).scatter(dim=-1, index=sim_labels.view(-1, 1), value=1.0)
    pred_scores = torch.sum(one_hot.view(24, -1, 3) * (sim_weight / 0.5).exp().unsqueeze(dim=-1), dim=1)
    print(json.dumps({"knn": (pred_scores.argsort(dim=-1, descending=True)[:, 0] == labels).float().mean().item()}))
