"""Networks of many kinds, each a function of the package (`torch`, or ours under that name), from one source.

A function returns a module in training mode; NETWORKS gives it with the shape of its input.
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


def squeeze_excite(torch: Any) -> Any:
    """Residual blocks whose channels are weighted, and attention over places."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ELU()
            )
            self.fc1, self.fc2 = nn.Linear(channels, 4), nn.Linear(4, channels)
            self.place = nn.Conv2d(2, 1, 7, padding=3)

        def forward(self, x):
            y = self.body(x)
            scale = nn.functional.hardsigmoid(self.fc2(torch.relu(self.fc1(y.mean((2, 3))))))
            y = y * scale[:, :, None, None]
            y = y * torch.sigmoid(self.place(torch.cat([y.amax(1, keepdim=True), y.mean(1, keepdim=True)], 1)))
            return torch.relu(x + y)

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), Block(8), Block(8), nn.AdaptiveMaxPool2d((2, 1)), nn.Flatten(), nn.Linear(16, 4)
    )


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


def group_norm_silu(torch: Any) -> Any:
    """Blocks of diffusion models: group norm, SiLU, a shift by an embedded step; layer norm over channels."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, cin, cout):
            super().__init__()
            self.norm1, self.norm2 = nn.GroupNorm(2, cin), nn.GroupNorm(4, cout, eps=1e-3)
            self.conv1, self.conv2 = nn.Conv2d(cin, cout, 3, padding=1), nn.Conv2d(cout, cout, 3, padding=1)
            self.skip = nn.Conv2d(cin, cout, 1) if cin != cout else nn.Identity()
            self.step = nn.Embedding(4, cout)
            self.last = nn.LayerNorm(cout)
            self.scale = nn.Parameter(torch.full((cout,), 0.5))

        def forward(self, x):
            silu = nn.functional.silu
            h = self.conv1(silu(self.norm1(x)))
            h = h + self.step(torch.arange(len(x)) % 4)[:, :, None, None]
            h = self.skip(x) + self.conv2(silu(self.norm2(h)))
            return self.last(h.permute(0, 2, 3, 1)).mul(self.scale).permute(0, 3, 1, 2)

    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), Block(4, 8), nn.AvgPool2d(2), Block(8, 8), nn.GELU(), nn.Conv2d(8, 2, 1)
    )


def dense_concat(torch: Any) -> Any:
    """Dense blocks: all features before are the input of each layer."""
    nn = torch.nn

    class Dense(nn.Module):
        def __init__(self, channels, growth, layers):
            super().__init__()
            self.layers = nn.ModuleDict()
            for i in range(layers):
                cin = channels + i * growth
                self.layers[f"layer{i}"] = nn.Sequential(
                    nn.BatchNorm2d(cin), nn.ReLU(), nn.Conv2d(cin, growth, 3, padding=1, bias=False)
                )

        def forward(self, x):
            features = [x]
            for layer in self.layers.values():
                features.append(layer(torch.cat(features, 1)))
            return torch.cat(features, 1)

    return nn.Sequential(
        nn.Conv2d(3, 6, 3), Dense(6, 4, 3), nn.BatchNorm2d(18), nn.Conv2d(18, 9, 1), nn.AvgPool2d(2), Dense(9, 3, 2),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(60, 4)
    )  # fmt: skip


def inception(torch: Any) -> Any:
    """Branches of different kernels and a pooled one, joined by channels; local response normalisation."""
    nn = torch.nn

    class Mixed(nn.Module):
        def __init__(self, cin):
            super().__init__()

            def conv(a, b, *args, **options):
                return nn.Sequential(
                    nn.Conv2d(a, b, *args, bias=False, **options), nn.BatchNorm2d(b, eps=0.001), nn.ReLU()
                )

            self.one = conv(cin, 4, 1)
            self.five = nn.Sequential(conv(cin, 3, 1), conv(3, 4, 5, padding=2))
            self.split = conv(cin, 4, 1)
            self.wide, self.tall = conv(4, 2, (1, 3), padding=(0, 1)), conv(4, 2, (3, 1), padding=(1, 0))
            self.pooled = conv(cin, 4, 1)

        def forward(self, x):
            split = self.split(x)
            pooled = nn.functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
            parts = [self.one(x), self.five(x), self.wide(split), self.tall(split), self.pooled(pooled)]
            return torch.cat(parts, 1)

    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.LocalResponseNorm(5, alpha=1e-2, k=2.0), Mixed(8),
        nn.MaxPool2d(3, stride=1, padding=1), Mixed(16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4)
    )  # fmt: skip


def lstm_head(torch: Any) -> Any:
    """Convolutional features read column by column by a bidirectional LSTM of two layers, then a GRU."""
    nn = torch.nn

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d((4, 2)))
            self.lstm = nn.LSTM(16, 6, num_layers=2, bidirectional=True, batch_first=True)
            self.gru = nn.GRU(12, 5, batch_first=True)
            self.fc = nn.Linear(5, 3)

        def forward(self, x):
            x = self.conv(x)
            x = x.permute(0, 3, 1, 2).flatten(2)
            x, _ = self.lstm(x)
            _, h = self.gru(x)
            return self.fc(h[-1])

    return Reader()


def instance_norm_generator(torch: Any) -> Any:
    """The generator of image translation: reflection padding, instance norm with and without statistics, residuals."""
    nn = torch.nn

    class Residual(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.block = nn.Sequential(
                nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels), nn.ReLU(True),
                nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3),
                nn.InstanceNorm2d(channels, affine=True, track_running_stats=True),
            )  # fmt: skip

        def forward(self, x):
            return x + self.block(x)

    return nn.Sequential(
        nn.ReflectionPad2d(3), nn.Conv2d(3, 6, 7), nn.InstanceNorm2d(6, affine=True), nn.ReLU(True),
        nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.InstanceNorm2d(8), nn.ReLU(True), Residual(8),
        nn.ConvTranspose2d(8, 12, 3, stride=2, padding=1, output_padding=1), nn.PixelShuffle(2), nn.AvgPool2d(2),
        nn.Conv2d(3, 3, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


def attention_pooling(torch: Any) -> Any:
    """Patches with positions, self-attention written by hand, pooling by learned queries."""
    nn = torch.nn

    class Attention(nn.Module):
        def __init__(self, dim, heads):
            super().__init__()
            self.heads = heads
            self.norm, self.qkv, self.out = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim)

        def forward(self, x):
            n, t, d = x.shape
            qkv = self.qkv(self.norm(x)).view(n, t, 3, self.heads, d // self.heads)
            q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
            scores = torch.einsum("nhqd,nhkd->nhqk", q, k) * (d // self.heads) ** -0.5
            y = scores.softmax(dim=-1) @ v
            return x + self.out(y.transpose(1, 2).reshape(n, t, d))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch = nn.Conv2d(3, 12, 4, stride=4)
            self.position = nn.Parameter(torch.randn(1, 12, 12) * 0.02)
            self.layers = nn.ModuleList([Attention(12, 3), Attention(12, 2)])
            self.query = nn.Parameter(torch.randn(2, 12))
            self.fc = nn.Linear(24, 4)
            self.register_buffer("temperature", torch.tensor(1.5))

        def forward(self, x):
            x = self.patch(x).flatten(2).transpose(1, 2) + self.position
            for layer in self.layers:
                x = layer(x)
            weights = torch.softmax(self.query @ x.transpose(1, 2) / self.temperature, -1)
            return self.fc(torch.bmm(weights, x).flatten(1))

    return Net()


def volumes_and_lines(torch: Any) -> Any:
    """3-d convolutions over frames, then 1-d ones over time, as networks for video and signals have them."""
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.space = nn.Sequential(
                nn.Conv3d(1, 4, (3, 3, 3), padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d((1, 2, 2)),
                nn.Conv3d(4, 6, (1, 3, 3), stride=(1, 2, 2)), nn.AvgPool3d((1, 2, 2), ceil_mode=True),
            )  # fmt: skip
            self.time = nn.Sequential(
                nn.Conv1d(6, 8, 3, padding=2, dilation=2), nn.BatchNorm1d(8), nn.CELU(), nn.MaxPool1d(2),
                nn.ConvTranspose1d(8, 4, 3, stride=2), nn.AdaptiveMaxPool1d(3), nn.Flatten(), nn.Linear(12, 3),
            )  # fmt: skip

        def forward(self, x):
            return self.time(self.space(x).mean((3, 4)))

    return Net()


NETWORKS = {
    conv_bn_relu: (3, 16, 16),
    ceil_pools: (3, 17, 15),
    prelu: (1, 16, 16),
    depthwise_separable: (3, 14, 13),
    transposed_decoder: (1, 20, 20),
    squeeze_excite: (3, 13, 15),
    tall_kernels: (2, 12, 15),
    asymmetric_pads: (3, 12, 13),
    dilated: (3, 15, 14),
    group_norm_silu: (3, 8, 10),
    dense_concat: (3, 12, 12),
    inception: (3, 15, 15),
    lstm_head: (1, 16, 20),
    instance_norm_generator: (3, 12, 12),
    attention_pooling: (3, 12, 16),
    volumes_and_lines: (1, 6, 12, 12),
}
