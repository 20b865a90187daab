"""A siamese network with contrastive loss on pairs drawn by the data set with `random`."""

import json
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, Dataset


class Config:
    train_batch_size = 16
    train_number_epochs = 3


class SiameseNetworkDataset(Dataset):
    def __init__(self, images, labels, transform=None):
        self.images, self.labels, self.transform = images, labels, transform

    def __getitem__(self, index):
        first = random.choice(range(len(self.images)))
        # we need to make sure approx 50% of images are in the same class
        should_get_same_class = random.randint(0, 1)
        while True:
            second = random.choice(range(len(self.images)))
            if (self.labels[first] == self.labels[second]) == bool(should_get_same_class):
                break
        img0, img1 = self.images[first], self.images[second]
        if self.transform is not None:
            img0, img1 = self.transform(img0), self.transform(img1)
        different = int(self.labels[first] != self.labels[second])
        return img0, img1, torch.from_numpy(np.array([different], dtype=np.float32))

    def __len__(self):
        return 48


class SiameseNetwork(nn.Module):
    def __init__(self):
        super(SiameseNetwork, self).__init__()
        self.cnn1 = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(1, 4, kernel_size=3),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(4),
            nn.ReflectionPad2d(1),
            nn.Conv2d(4, 8, kernel_size=3),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(8),
        )
        self.fc1 = nn.Sequential(nn.Linear(8 * 12 * 12, 20), nn.ReLU(inplace=True), nn.Linear(20, 5))

    def forward_once(self, x):
        output = self.cnn1(x)
        output = output.view(output.size()[0], -1)
        return self.fc1(output)

    def forward(self, input1, input2):
        return self.forward_once(input1), self.forward_once(input2)


class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=2.0):
        super(ContrastiveLoss, self).__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        euclidean_distance = F.pairwise_distance(output1, output2, keepdim=True)
        return torch.mean(
            (1 - label) * torch.pow(euclidean_distance, 2)
            + label * torch.pow(torch.clamp(self.margin - euclidean_distance, min=0.0), 2)
        )


random.seed(3)
np.random.seed(3)
torch.manual_seed(3)
faces = np.random.rand(20, 12, 12)
names = np.repeat(np.arange(5), 4)
faces += names[:, None, None] * np.linspace(-1, 1, 12)
dataset = SiameseNetworkDataset(faces, names, transform=lambda a: torch.from_numpy(a).float().unsqueeze(0))
train_dataloader = DataLoader(dataset, shuffle=True, num_workers=0, batch_size=Config.train_batch_size)

net = SiameseNetwork()
criterion = ContrastiveLoss()
optimizer = optim.Adam(net.parameters(), lr=0.0005)
counter, loss_history = [], []
iteration_number = 0
for epoch in range(Config.train_number_epochs):
    for i, data in enumerate(train_dataloader, 0):
        img0, img1, label = data
        optimizer.zero_grad()
        output1, output2 = net(img0, img1)
        loss_contrastive = criterion(output1, output2, label)
        loss_contrastive.backward()
        optimizer.step()
        iteration_number += 1
        counter.append(iteration_number)
        loss_history.append(loss_contrastive.item())
        print(json.dumps({"step": iteration_number, "loss": loss_history[-1], "pairs": label.sum().item()}))

net.eval()
x0, x1, different = dataset[0]
a, b = net(x0[None], x1[None])
print(json.dumps({"distance": F.pairwise_distance(a, b).item(), "text": "{:.3f}".format(different.item())}))
