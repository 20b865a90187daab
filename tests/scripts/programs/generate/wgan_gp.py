"""Wasserstein GANs: gradient penalty by double backward, weight clipping, spectral normalisation."""

import json

import torch
import torch.autograd as autograd
import torch.nn as nn
from torch.nn.utils import spectral_norm

torch.manual_seed(17)


class Generator(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.init_size = 4
        self.l1 = nn.Sequential(nn.Linear(latent, 8 * self.init_size**2))
        self.conv_blocks = nn.Sequential(
            nn.BatchNorm2d(8),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(8, 8, 3, stride=1, padding=1),
            nn.BatchNorm2d(8, 0.8),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(8, 1, 3, stride=1, padding=1),
            nn.Tanh(),
        )

    def forward(self, z):
        out = self.l1(z)
        out = out.view(out.shape[0], 8, self.init_size, self.init_size)
        return self.conv_blocks(out)


def critic(norm=lambda m: m):
    return nn.Sequential(
        norm(nn.Conv2d(1, 6, 3, 2, 1)),
        nn.LeakyReLU(0.2),
        norm(nn.Conv2d(6, 8, 3, 2, 1)),
        nn.Tanh(),
        nn.Flatten(),
        norm(nn.Linear(32, 1)),
    )


def compute_gradient_penalty(D, real_samples, fake_samples):
    alpha = torch.rand(real_samples.size(0), 1, 1, 1)
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = D(interpolates)
    fake = torch.ones(real_samples.shape[0], 1, requires_grad=False)
    gradients = autograd.grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=fake,
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def r1_penalty(D, real):
    real = real.detach().requires_grad_()
    scores = D(real)
    (grad,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    return grad.square().sum([1, 2, 3]).mean()


real_data = torch.randn(60, 1, 8, 8).sigmoid() * 2 - 1
for kind in ("penalty", "clip", "spectral", "r1"):
    torch.manual_seed(4)
    G = Generator()
    D = critic(spectral_norm) if kind == "spectral" else critic()
    optimizer_G = torch.optim.RMSprop(G.parameters(), lr=5e-4, eps=1e-3)
    optimizer_D = torch.optim.RMSprop(D.parameters(), lr=5e-4, eps=1e-3)
    for i in range(4):
        real = real_data[i * 15 : (i + 1) * 15]
        for p in D.parameters():
            p.requires_grad = True
        optimizer_D.zero_grad()
        fake = G(torch.randn(15, 6))
        d_loss = -torch.mean(D(real)) + torch.mean(D(fake.detach()))
        if kind == "penalty":
            d_loss = d_loss + 10 * compute_gradient_penalty(D, real.data, fake.data)
        if kind == "r1":
            d_loss += 5 * r1_penalty(D, real)
        d_loss.backward()
        optimizer_D.step()
        if kind == "clip":
            for p in D.parameters():
                p.data.clamp_(-0.1, 0.1)
        for p in D.parameters():
            p.requires_grad = False
        optimizer_G.zero_grad()
        g_loss = -D(fake).mean()
        g_loss.backward()
        optimizer_G.step()
        print(json.dumps({"kind": kind, "D": d_loss.item(), "G": g_loss.item()}))
    print(json.dumps({"state": sorted(D.state_dict())}))
