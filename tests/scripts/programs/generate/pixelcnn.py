"""PixelCNN: masked and gated convolutions, 256 classes cut to 4, sampling pixel by pixel."""

import json

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim


class MaskedConv2d(nn.Conv2d):
    def __init__(self, mask_type, *args, **kwargs):
        super(MaskedConv2d, self).__init__(*args, **kwargs)
        assert mask_type in {"A", "B"}
        self.register_buffer("mask", self.weight.data.clone())
        _, _, kH, kW = self.weight.size()
        self.mask.fill_(1)
        self.mask[:, :, kH // 2, kW // 2 + (mask_type == "B") :] = 0
        self.mask[:, :, kH // 2 + 1 :] = 0

    def forward(self, x):
        self.weight.data *= self.mask
        return super(MaskedConv2d, self).forward(x)


class Gated(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = MaskedConv2d("B", channels, 2 * channels, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(2 * channels)

    def forward(self, x):
        a, b = torch.chunk(self.bn(self.conv(x)), 2, dim=1)
        return x + torch.tanh(a) * torch.sigmoid(b)


torch.manual_seed(30)
fm = 8
net = nn.Sequential(
    MaskedConv2d("A", 1, fm, 5, 1, 2, bias=False),
    nn.BatchNorm2d(fm),
    nn.ReLU(True),
    Gated(fm),
    Gated(fm),
    nn.GLU(dim=1),
    nn.Conv2d(fm // 2, 4, 1),
)
data = (torch.rand(16, 1, 8, 8).cumsum(3) / 2).clamp(0, 0.999)
optimizer = optim.Adamax(net.parameters(), lr=0.01)
for epoch in range(8):
    target = (data[:, 0] * 4).long()
    loss = F.cross_entropy(net(data), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(json.dumps({"loss": loss.item(), "bits": loss.item() / np.log(2)}))

sample = torch.zeros(2, 1, 8, 8)
net.train(False)
with torch.no_grad():
    for i in range(8):
        for j in range(8):
            out = net(sample)
            probs = F.softmax(out[:, :, i, j], dim=-1)
            sample[:, :, i, j] = probs.argmax(1, keepdim=True).float() / 3.0
print(json.dumps({"sample": sample[0, 0].mul(3).int().tolist(), "probs": probs.tolist()}))
assert not net[0].weight[:, :, 3:].any()
