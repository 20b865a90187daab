"""Pruning by magnitude with masks: by hand as filters and quantiles, and by `torch.nn.utils.prune`."""

import json

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.utils.prune as prune


class MaskedConv2d(nn.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mask_flag = False
        self.register_buffer("mask", torch.ones_like(self.weight))

    def set_mask(self, mask):
        self.mask.copy_(mask)
        self.weight.data = self.weight.data * self.mask.data
        self.mask_flag = True

    def forward(self, x):
        weight = self.weight * self.mask if self.mask_flag else self.weight
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def weight_prune(model, pruning_perc):
    """Prune pruning_perc % weights globally (not layer-wise)"""
    all_weights = []
    for p in model.parameters():
        if len(p.data.size()) != 1:
            all_weights += list(p.cpu().data.abs().numpy().flatten())
    threshold = np.percentile(np.array(all_weights), pruning_perc)
    return [p.data.abs() > float(threshold) for p in model.parameters() if len(p.data.size()) == 4]


torch.manual_seed(6)
model = nn.Sequential(
    MaskedConv2d(1, 6, 3), nn.ReLU(), MaskedConv2d(6, 6, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(54, 3)
)
x, y = torch.randn(24, 1, 9, 9), torch.randint(0, 3, (24,))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
for step in range(8):
    if step == 4:
        for layer, mask in zip((model[0], model[2]), weight_prune(model, 60.0)):
            layer.set_mask(mask.float())
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    zeros = sum((layer.weight * layer.mask == 0).sum().item() for layer in (model[0], model[2]))
    print(json.dumps({"loss": loss.item(), "zeros": zeros}))

net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 49, 3))
conv = net[0]
prune.l1_unstructured(conv, name="weight", amount=0.3)
print(
    json.dumps({"parameters": [n for n, _ in conv.named_parameters()], "buffers": [n for n, _ in conv.named_buffers()]})
)
prune.ln_structured(conv, name="weight", amount=0.5, n=2, dim=0)
print(json.dumps({"kept": conv.weight_mask.sum((1, 2, 3)).tolist(), "weight": conv.weight.detach().flatten().tolist()}))
loss = F.cross_entropy(net(x), y)
loss.backward()
print(json.dumps({"cost": loss.item(), "grad": conv.weight_orig.grad.flatten().tolist()}))
prune.remove(conv, "weight")
prune.global_unstructured([(net[0], "weight"), (net[3], "weight")], pruning_method=prune.L1Unstructured, amount=0.2)
sparsity = [float(torch.sum(m.weight == 0)) / float(m.weight.nelement()) for m in (net[0], net[3])]
print(json.dumps({"sparsity": sparsity, "is_pruned": prune.is_pruned(net), "keys": list(net.state_dict().keys())}))
