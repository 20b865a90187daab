"""A spatial transformer network: a localisation net, `affine_grid` and `grid_sample` in front of a classifier."""

import json

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

torch.manual_seed(2)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=5)
        self.fc1 = nn.Linear(4 * 8 * 8, 10)
        # Spatial transformer localization-network
        self.localization = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=7),
            nn.MaxPool2d(2, stride=2),
            nn.ReLU(True),
            nn.Conv2d(8, 10, kernel_size=5),
            nn.MaxPool2d(2, stride=2),
            nn.ReLU(True),
        )
        # Regressor for the 3 * 2 affine matrix
        self.fc_loc = nn.Sequential(nn.Linear(10 * 1 * 1, 32), nn.ReLU(True), nn.Linear(32, 3 * 2))
        # Initialize the weights/bias with identity transformation
        self.fc_loc[2].weight.data.zero_()
        self.fc_loc[2].bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))

    def stn(self, x):
        xs = self.localization(x)
        xs = xs.view(-1, 10 * 1 * 1)
        theta = self.fc_loc(xs)
        theta = theta.view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)

    def forward(self, x):
        x = self.stn(x)
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        return F.log_softmax(self.fc1(x.view(-1, 256)), dim=1)


model = Net()
optimizer = optim.SGD(model.parameters(), lr=0.05)
data = torch.rand(32, 1, 20, 20)
target = (data.mean((1, 2, 3)) * 100).long() % 10
for epoch in range(3):
    optimizer.zero_grad()
    loss = F.nll_loss(model(data), target)
    loss.backward()
    optimizer.step()
    print(json.dumps({"loss": loss.item(), "bias": model.fc_loc[2].bias.tolist()}))

with torch.no_grad():
    transformed = model.stn(data).cpu()
    print(json.dumps({"moved": (transformed - data).abs().mean().item()}))
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding_mode in ("zeros", "border", "reflection"):
            theta = torch.tensor([[[0.8, 0.3, 0.1], [-0.2, 1.1, 0.4]]]).repeat(2, 1, 1)
            grid = F.affine_grid(theta, [2, 1, 9, 7], align_corners=True)
            out = F.grid_sample(data[:2], grid, mode=mode, padding_mode=padding_mode, align_corners=True)
            print(json.dumps({"mode": mode, "padding": padding_mode, "sum": out.sum((1, 2, 3)).tolist()}))
