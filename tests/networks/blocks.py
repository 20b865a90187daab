"""Networks for the ways of joining layers: attention, branches, normalisation by groups, recurrence.

A network is a function of the package (`torch`, or ours under that name): one source for both. It returns a module in
training mode; NETWORKS gives it with the shape of its input.
"""

from __future__ import annotations

from typing import Any


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
    squeeze_excite: (3, 13, 15),
    group_norm_silu: (3, 8, 10),
    dense_concat: (3, 12, 12),
    inception: (3, 15, 15),
    lstm_head: (1, 16, 20),
    instance_norm_generator: (3, 12, 12),
    attention_pooling: (3, 12, 16),
    volumes_and_lines: (1, 6, 12, 12),
}
