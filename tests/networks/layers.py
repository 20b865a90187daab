"""Networks for the ways of convolving, pooling and padding.

A network is a function of the package (`torch`, or ours under that name): one source for both. It returns a module in
training mode; NETWORKS gives it with the shape of its input.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any


def conv_bn_relu(torch: Any) -> Any:
    """The plain stack, with and without biases."""
    nn = torch.nn

    def block(cin, cout, **options):
        return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, **options), nn.BatchNorm2d(cout), nn.ReLU(inplace=True))

    return nn.Sequential(
        block(3, 8, bias=False), nn.MaxPool2d(2), block(8, 12), block(12, 12, stride=2), nn.Flatten(), nn.Linear(192, 5)
    )


def ceil_pools(torch: Any) -> Any:
    """Pools that round up, with padding, counted and not, overlapping and apart, as SqueezeNet and GoogLeNet have."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=False),
        nn.Conv2d(8, 8, 2),
        nn.AvgPool2d((2, 3), (2, 1), padding=(1, 1), ceil_mode=True),
        nn.Tanh(),
        nn.MaxPool2d(2, 3, padding=1, ceil_mode=True),
        nn.Flatten(),
        nn.Linear(16, 4),
    )


def prelu(torch: Any) -> Any:
    """PReLU with one slope and with a slope for each channel; max-out over pairs of channels."""
    nn = torch.nn

    class MaxOut(nn.Module):
        def forward(self, x):
            return torch.stack(x.chunk(2, dim=1)).max(dim=0)[0]

    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2),
        nn.PReLU(8, init=0.1),
        nn.Conv2d(8, 12, 3),
        MaxOut(),
        nn.BatchNorm2d(6),
        nn.PReLU(),
        nn.Flatten(),
        nn.Linear(6 * 36, 16),
        nn.BatchNorm1d(16),
        nn.PReLU(16),
        nn.Linear(16, 3),
    )


def depthwise_separable(torch: Any) -> Any:
    """Depthwise and pointwise convolutions, channel multipliers, groups, inverted residuals, h-swish."""
    nn = torch.nn

    class Inverted(nn.Module):
        def __init__(self, channels, expand, kernel):
            super().__init__()
            hidden = channels * expand
            self.conv = nn.Sequential(
                OrderedDict(
                    expand=nn.Conv2d(channels, hidden, 1, bias=False),
                    norm1=nn.BatchNorm2d(hidden, momentum=0.01, eps=1e-3),
                    act=nn.Hardswish(),
                    depth=nn.Conv2d(hidden, hidden, kernel, padding=kernel // 2, groups=hidden, bias=False),
                    norm2=nn.BatchNorm2d(hidden, momentum=None),
                    act2=nn.ReLU6(),
                    project=nn.Conv2d(hidden, channels, 1, bias=False),
                )
            )

        def forward(self, x):
            return x + self.conv(x)

    return nn.Sequential(
        nn.Conv2d(3, 12, 3, stride=2, padding=1, groups=3),
        Inverted(12, 2, 3),
        nn.ChannelShuffle(3),
        Inverted(12, 3, 5),
        nn.Conv2d(12, 8, 3, stride=2, groups=4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 4),
    )


def transposed_decoder(torch: Any) -> Any:
    """Transposed convolutions: output padding, dilation, groups; unpooling; nearest and bilinear upsampling."""
    nn = torch.nn

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.LeakyReLU(0.2))
            self.pool = nn.MaxPool2d(2, return_indices=True)
            self.unpool = nn.MaxUnpool2d(2)
            self.squeeze = nn.Conv2d(8, 6, 3, stride=3)
            self.up = nn.ConvTranspose2d(6, 8, 3, stride=3, output_padding=1)
            self.smooth = nn.Sequential(
                nn.BatchNorm2d(8), nn.ReLU(), nn.ConvTranspose2d(8, 8, 3, padding=2, dilation=2, groups=2)
            )
            self.last = nn.ConvTranspose2d(8, 2, (4, 2), stride=2, padding=(1, 0), bias=False)

        def forward(self, x):
            x, indices = self.pool(self.encode(x))
            x = self.up(self.squeeze(x), output_size=x.shape[-2:]) + x
            x = self.smooth(self.unpool(x, indices))
            x = nn.functional.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
            return torch.sigmoid(self.last(nn.functional.interpolate(x, size=(9, 7), mode="nearest")))

    return Decoder()


def tall_kernels(torch: Any) -> Any:
    """Factorised 7x1 and 1x7 convolutions, strides and dilations that differ by axis, kernels larger than the image."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(2, 8, (7, 1), padding=(3, 0), bias=False),
        nn.Conv2d(8, 8, (1, 7), padding=(0, 3), stride=(1, 2)),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 6, (5, 3), stride=(2, 1), dilation=(1, 2), padding=(2, 2)),
        nn.Softplus(),
        nn.MaxPool2d((3, 1), stride=(2, 1)),
        nn.Conv2d(6, 5, (11, 3), padding=(5, 1)),
        nn.AdaptiveAvgPool2d((1, 3)),
        nn.Flatten(),
        nn.Linear(15, 3),
    )


def asymmetric_pads(torch: Any) -> Any:
    """Padding as TensorFlow has it, every mode of padding, cropping by negative padding."""
    nn = torch.nn
    return nn.Sequential(
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(3, 8, 3, stride=2),
        nn.BatchNorm2d(8),
        nn.SiLU(),
        nn.ReflectionPad2d((2, 1, 0, 2)),
        nn.Conv2d(8, 8, 3, padding="same", dilation=2, padding_mode="circular"),
        nn.ConstantPad2d((-1, 2, 1, -2), 0.5),
        nn.ReplicationPad2d(1),
        nn.Conv2d(8, 6, 4, padding=(2, 1), padding_mode="reflect"),
        nn.ReLU(),
        nn.Conv2d(6, 4, 3, padding=1, padding_mode="replicate"),
    )


def dilated(torch: Any) -> Any:
    """Atrous pyramid pooling: the same features at several dilations and as a global mean, upsampled and joined."""
    nn = torch.nn

    class Pyramid(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU())
            self.branches = nn.ModuleList([nn.Conv2d(8, 4, 3, padding=d, dilation=d) for d in (1, 2, 4, 6)])
            self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.ReLU())
            self.project = nn.Conv2d(20, 3, 1)

        def forward(self, x):
            size = x.shape[-2:]
            x = self.stem(x)
            parts = [torch.relu(branch(x)) for branch in self.branches]
            parts.append(self.pool(x).expand(-1, -1, *x.shape[-2:]))
            return nn.functional.interpolate(
                self.project(torch.cat(parts, 1)), size, mode="bilinear", align_corners=True
            )

    return Pyramid()


NETWORKS = {
    conv_bn_relu: (3, 16, 16),
    ceil_pools: (3, 17, 15),
    prelu: (1, 16, 16),
    depthwise_separable: (3, 14, 13),
    transposed_decoder: (1, 20, 20),
    tall_kernels: (2, 12, 15),
    asymmetric_pads: (3, 12, 13),
    dilated: (3, 15, 14),
}
