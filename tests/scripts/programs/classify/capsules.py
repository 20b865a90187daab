"""A capsule network: squashing, routing by agreement, margin and reconstruction losses, masks by one-hot labels."""

import json

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable


def squash(input_tensor, dim=-1):
    squared_norm = (input_tensor**2).sum(dim, keepdim=True)
    return squared_norm * input_tensor / ((1.0 + squared_norm) * torch.sqrt(squared_norm + 1e-9))


class PrimaryCaps(nn.Module):
    def __init__(self, num_capsules=4, in_channels=8, out_channels=3):
        super(PrimaryCaps, self).__init__()
        self.capsules = nn.ModuleList([nn.Conv2d(in_channels, out_channels, 5, stride=2) for _ in range(num_capsules)])

    def forward(self, x):
        u = [capsule(x) for capsule in self.capsules]
        u = torch.stack(u, dim=1)
        return squash(u.view(x.size(0), 3 * 3 * 3, -1))


class DigitCaps(nn.Module):
    def __init__(self, num_capsules=3, num_routes=27, in_channels=4, out_channels=5):
        super(DigitCaps, self).__init__()
        self.num_routes, self.num_capsules = num_routes, num_capsules
        self.W = nn.Parameter(torch.randn(1, num_routes, num_capsules, out_channels, in_channels) * 0.3)

    def forward(self, x):
        batch_size = x.size(0)
        x = torch.stack([x] * self.num_capsules, dim=2).unsqueeze(4)
        W = torch.cat([self.W] * batch_size, dim=0)
        u_hat = torch.matmul(W, x)
        b_ij = Variable(torch.zeros(1, self.num_routes, self.num_capsules, 1))
        for iteration in range(3):
            c_ij = F.softmax(b_ij, dim=1)
            c_ij = torch.cat([c_ij] * batch_size, dim=0).unsqueeze(4)
            s_j = (c_ij * u_hat).sum(dim=1, keepdim=True)
            v_j = squash(s_j, dim=-2)
            if iteration < 2:
                a_ij = torch.matmul(u_hat.transpose(3, 4), torch.cat([v_j] * self.num_routes, dim=1))
                b_ij = b_ij + a_ij.squeeze(4).mean(dim=0, keepdim=True)
        return v_j.squeeze(1)


class CapsNet(nn.Module):
    def __init__(self):
        super(CapsNet, self).__init__()
        self.conv_layer = nn.Conv2d(1, 8, 5)
        self.primary_capsules, self.digit_capsules = PrimaryCaps(), DigitCaps()
        self.decoder = nn.Sequential(nn.Linear(15, 32), nn.ReLU(inplace=True), nn.Linear(32, 169), nn.Sigmoid())

    def forward(self, data, target):
        output = self.digit_capsules(self.primary_capsules(F.relu(self.conv_layer(data))))
        masked = (output.squeeze(-1) * target[:, :, None]).reshape(output.size(0), -1)
        reconstructions = self.decoder(masked).view(-1, 1, 13, 13)
        return output, reconstructions

    def loss(self, data, x, target, reconstructions):
        v_c = torch.sqrt((x**2).sum(dim=2, keepdim=True))
        left = F.relu(0.9 - v_c).view(x.size(0), -1) ** 2
        right = F.relu(v_c - 0.1).view(x.size(0), -1) ** 2
        margin = (target * left + 0.5 * (1.0 - target) * right).sum(dim=1).mean()
        return margin + nn.MSELoss()(reconstructions.view(x.size(0), -1), data.view(x.size(0), -1)) * 0.5


torch.manual_seed(18)
net = CapsNet()
data = torch.rand(12, 1, 13, 13)
labels = torch.arange(12) % 3
target = torch.eye(3).index_select(dim=0, index=labels)
optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.5)
for i in range(6):
    optimizer.zero_grad()
    output, reconstructions = net(data, target)
    loss = net.loss(data, output, target, reconstructions)
    loss.backward()
    optimizer.step()
    norms = output.norm(dim=2).squeeze().max(1)
    print(json.dumps({"loss": loss.item(), "largest": norms.values.tolist(), "guess": norms[1].tolist()}))
