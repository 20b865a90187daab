"""Mixup and CutMix with NumPy's beta distribution and `torch.randperm`."""

from __future__ import print_function

import json

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

use_cuda = torch.cuda.is_available()
torch.manual_seed(20)
np.random.seed(20)


def mixup_data(x, y, alpha=1.0, use_cuda=True):
    """Returns mixed inputs, pairs of targets, and lambda"""
    lam = np.random.beta(alpha, alpha) if alpha > 0 else 1
    batch_size = x.size()[0]
    index = torch.randperm(batch_size).cuda() if use_cuda else torch.randperm(batch_size)
    mixed_x = lam * x + (1 - lam) * x[index, :]
    y_a, y_b = y, y[index]
    return mixed_x, y_a, y_b, lam


def rand_bbox(size, lam):
    W, H = size[2], size[3]
    cut_rat = np.sqrt(1.0 - lam)
    cut_w, cut_h = int(W * cut_rat), int(H * cut_rat)
    cx, cy = np.random.randint(W), np.random.randint(H)
    bbx1, bby1 = np.clip(cx - cut_w // 2, 0, W), np.clip(cy - cut_h // 2, 0, H)
    bbx2, bby2 = np.clip(cx + cut_w // 2, 0, W), np.clip(cy + cut_h // 2, 0, H)
    return bbx1, bby1, bbx2, bby2


def cutmix_data(x, y, alpha=1.0):
    lam = np.random.beta(alpha, alpha)
    rand_index = torch.randperm(x.size()[0])
    bbx1, bby1, bbx2, bby2 = rand_bbox(x.size(), lam)
    x = x.clone()
    x[:, :, bbx1:bbx2, bby1:bby2] = x[rand_index, :, bbx1:bbx2, bby1:bby2]
    lam = 1 - ((bbx2 - bbx1) * (bby2 - bby1) / (x.size()[-1] * x.size()[-2]))
    return x, y, y[rand_index], lam


def mixup_criterion(criterion, pred, y_a, y_b, lam):
    return lam * criterion(pred, y_a) + (1 - lam) * criterion(pred, y_b)


net = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(8, 8, 3, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(8 * 36, 4),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
images, labels = torch.rand(48, 3, 12, 12), torch.randint(0, 4, (48,))
train_loss, correct, total = 0, 0, 0
for step in range(9):
    batch = torch.arange(step * 16, step * 16 + 16) % 48
    inputs, targets = images[batch], labels[batch]
    mix = mixup_data(inputs, targets, 0.4, use_cuda) if step % 2 == 0 else cutmix_data(inputs, targets)
    inputs, targets_a, targets_b, lam = mix
    inputs, targets_a, targets_b = map(Variable, (inputs, targets_a, targets_b))
    outputs = net(inputs)
    loss = mixup_criterion(criterion, outputs, targets_a, targets_b, lam)
    train_loss += loss.data
    _, predicted = torch.max(outputs.data, 1)
    total += targets.size(0)
    correct += (
        lam * predicted.eq(targets_a.data).cpu().sum().float()
        + (1 - lam) * predicted.eq(targets_b.data).cpu().sum().float()
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(
        json.dumps(
            {"average": (train_loss / (step + 1)).item(), "lam": float(lam), "acc": float(100.0 * correct / total)}
        )
    )
