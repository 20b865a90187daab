"""Super-resolution with an efficient sub-pixel convolution (PixelShuffle), orthogonal initialisation and PSNR."""

from __future__ import print_function

import argparse
import json
from math import log10

import torch
import torch.nn as nn
import torch.nn.init as init
import torch.optim as optim
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser(description="PyTorch Super Res Example")
parser.add_argument("--upscale_factor", type=int, default=2, help="super resolution upscale factor")
parser.add_argument("--batchSize", type=int, default=4, help="training batch size")
parser.add_argument("--nEpochs", type=int, default=3, help="number of epochs to train for")
parser.add_argument("--lr", type=float, default=0.001, help="Learning Rate. Default=0.001")
parser.add_argument("--seed", type=int, default=123, help="random seed to use. Default=123")
opt = parser.parse_args()


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super(Net, self).__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 16, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(16, 16, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(16, 8, (3, 3), (1, 1), (1, 1))
        self.conv4 = nn.Conv2d(8, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        x = self.relu(self.conv3(x))
        return self.pixel_shuffle(self.conv4(x))

    def _initialize_weights(self):
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv3.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv4.weight)


class Waves(Dataset):
    def __init__(self, count, size, factor):
        super(Waves, self).__init__()
        t = torch.linspace(0, 6.28, size)
        self.images = [torch.sin(t * (i % 4 + 1))[:, None] * torch.cos(t * (i // 4 + 1))[None] for i in range(count)]
        self.factor = factor

    def __getitem__(self, index):
        target = self.images[index].unsqueeze(0) * 0.5 + 0.5
        input = nn.functional.avg_pool2d(target.unsqueeze(0), self.factor).squeeze(0)
        return input, target

    def __len__(self):
        return len(self.images)


torch.manual_seed(opt.seed)
training_data_loader = DataLoader(dataset=Waves(16, 24, 2), batch_size=opt.batchSize, shuffle=True)
testing_data_loader = DataLoader(dataset=Waves(4, 24, 2), batch_size=2, shuffle=False)
model = Net(upscale_factor=opt.upscale_factor)
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=opt.lr)


def train(epoch):
    epoch_loss = 0
    for iteration, batch in enumerate(training_data_loader, 1):
        input, target = batch[0], batch[1]
        optimizer.zero_grad()
        loss = criterion(model(input), target)
        epoch_loss += loss.item()
        loss.backward()
        optimizer.step()
        print(json.dumps({"epoch": epoch, "iteration": iteration, "loss": loss.item()}))


def test():
    avg_psnr = 0
    with torch.no_grad():
        for batch in testing_data_loader:
            input, target = batch[0], batch[1]
            prediction = model(input)
            mse = criterion(prediction, target)
            psnr = 10 * log10(1 / mse.item())
            avg_psnr += psnr
    print(json.dumps({"psnr": avg_psnr / len(testing_data_loader)}))


for epoch in range(1, opt.nEpochs + 1):
    train(epoch)
    test()
    torch.save(model, "model_epoch_{}.pth".format(epoch))
