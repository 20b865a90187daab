"""Depthwise separable convolutions: inverted residuals with ReLU6, h-swish, channel shuffle; a width multiplier."""

import json
import math
from functools import partial

import torch
from torch import nn


def _make_divisible(v, divisor=4, min_value=None):
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    if new_v < 0.9 * v:
        new_v += divisor
    return new_v


class ConvBNReLU(nn.Sequential):
    def __init__(self, in_planes, out_planes, kernel_size=3, stride=1, groups=1, act=nn.ReLU6):
        padding = (kernel_size - 1) // 2
        super(ConvBNReLU, self).__init__(
            nn.Conv2d(in_planes, out_planes, kernel_size, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(out_planes),
            act(inplace=True),
        )


class InvertedResidual(nn.Module):
    def __init__(self, inp, oup, stride, expand_ratio, act):
        super(InvertedResidual, self).__init__()
        assert stride in [1, 2]
        hidden_dim = int(round(inp * expand_ratio))
        self.use_res_connect = stride == 1 and inp == oup
        layers = []
        if expand_ratio != 1:
            layers.append(ConvBNReLU(inp, hidden_dim, kernel_size=1, act=act))
        layers.extend(
            [
                ConvBNReLU(hidden_dim, hidden_dim, stride=stride, groups=hidden_dim, act=act),
                nn.Conv2d(hidden_dim, oup, 1, 1, 0, bias=False),
                nn.BatchNorm2d(oup),
            ]
        )
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        if self.use_res_connect:
            return x + self.conv(x)
        return self.conv(x)


def channel_shuffle(x, groups):
    batchsize, num_channels, height, width = x.data.size()
    x = x.view(batchsize, groups, num_channels // groups, height, width)
    x = torch.transpose(x, 1, 2).contiguous()
    return x.view(batchsize, -1, height, width)


class MobileNetV2(nn.Module):
    def __init__(self, num_classes=4, width_mult=0.75, act=nn.ReLU6):
        super(MobileNetV2, self).__init__()
        input_channel = _make_divisible(8 * width_mult)
        setting = [[1, 8, 1, 1], [3, 12, 2, 2]]
        features = [ConvBNReLU(3, input_channel, stride=2, act=act)]
        for t, c, n, s in setting:
            output_channel = _make_divisible(c * width_mult)
            for i in range(n):
                features.append(InvertedResidual(input_channel, output_channel, s if i == 0 else 1, t, act))
                input_channel = output_channel
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.0), nn.Linear(input_channel, num_classes))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                m.weight.data.normal_(0, math.sqrt(2.0 / n))
                if m.bias is not None:
                    m.bias.data.zero_()
            elif isinstance(m, nn.BatchNorm2d):
                m.weight.data.fill_(1)
                m.bias.data.zero_()
            elif isinstance(m, nn.Linear):
                m.weight.data.normal_(0, 0.01)
                m.bias.data.zero_()

    def forward(self, x):
        x = channel_shuffle(self.features(x), 2)
        x = x.mean([2, 3])
        return self.classifier(x)


torch.manual_seed(0)
x, y = torch.rand(16, 3, 24, 24), torch.randint(4, (16,))
for act in (nn.ReLU6, nn.Hardswish, partial(nn.LeakyReLU, 0.2), nn.SELU):
    model = MobileNetV2(act=act)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, momentum=0.9, eps=0.0316)
    for i in range(3):
        loss = criterion(model(x), y)
        model.zero_grad()
        loss.backward()
        optimizer.step()
        print(json.dumps({"step": i, "cost": loss.item()}))
    model.eval()
    print(json.dumps({"n": sum(p.nelement() for p in model.parameters()), "out": model(x)[0].tolist()}))
