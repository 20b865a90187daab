"""A learning-rate finder (exponential ramp, smoothed losses), then a cyclical schedule from what it found."""

import json
import math

import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim.lr_scheduler import CyclicLR, LambdaLR, _LRScheduler


class ExponentialLR(_LRScheduler):
    def __init__(self, optimizer, end_lr, num_iter, last_epoch=-1):
        self.end_lr = end_lr
        self.num_iter = num_iter
        super(ExponentialLR, self).__init__(optimizer, last_epoch)

    def get_lr(self):
        r = self.last_epoch / (self.num_iter - 1)
        return [base_lr * (self.end_lr / base_lr) ** r for base_lr in self.base_lrs]


class WarmUp(_LRScheduler):
    def __init__(self, optimizer, warmup, after):
        self.warmup, self.after = warmup, after
        super().__init__(optimizer)

    def get_lr(self):
        if self.last_epoch < self.warmup:
            return [b * (self.last_epoch + 1) / self.warmup for b in self.base_lrs]
        return [b * self.after ** (self.last_epoch - self.warmup) for b in self.base_lrs]


def find_lr(net, batches, criterion, init_value=1e-5, final_value=1.0, beta=0.9):
    state = {k: v.clone() for k, v in net.state_dict().items()}
    optimizer = optim.SGD(net.parameters(), lr=init_value)
    scheduler = ExponentialLR(optimizer, final_value, len(batches))
    avg_loss, best_loss, losses, lrs = 0.0, 0.0, [], []
    for batch_num, (inputs, labels) in enumerate(batches, 1):
        optimizer.zero_grad()
        loss = criterion(net(inputs), labels)
        avg_loss = beta * avg_loss + (1 - beta) * loss.data.item()
        smoothed_loss = avg_loss / (1 - beta**batch_num)
        if batch_num > 1 and smoothed_loss > 4 * best_loss:
            break
        if smoothed_loss < best_loss or batch_num == 1:
            best_loss = smoothed_loss
        losses.append(smoothed_loss)
        lrs.append(optimizer.param_groups[0]["lr"])
        loss.backward()
        optimizer.step()
        scheduler.step()
    net.load_state_dict(state)
    return lrs, losses


torch.manual_seed(8)
net = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.LeakyReLU(0.1), nn.Flatten(), nn.LazyLinear(4))
net(torch.zeros(1, 1, 11, 11))
batches = [(torch.randn(16, 1, 11, 11), torch.randint(0, 4, (16,))) for _ in range(24)]
criterion = nn.CrossEntropyLoss()
lrs, losses = find_lr(net, batches, criterion)
for lr, smoothed in zip(lrs, losses):
    print(json.dumps({"log_lr": math.log10(lr), "smoothed": smoothed}))

optimizer = optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)
for make in (
    lambda: CyclicLR(optimizer, base_lr=1e-3, max_lr=0.05, step_size_up=3, mode="triangular2"),
    lambda: LambdaLR(optimizer, lr_lambda=lambda e: 0.9**e),
    lambda: WarmUp(optimizer, 3, 0.5),
    lambda: optim.lr_scheduler.SequentialLR(
        optimizer,
        [optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=2), optim.lr_scheduler.ExponentialLR(optimizer, 0.8)],
        milestones=[3],
    ),
):
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = 0.02
    scheduler = make()
    for inputs, labels in batches[:6]:
        optimizer.zero_grad()
        loss = criterion(net(inputs), labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
        print(
            json.dumps(
                {
                    "loss_now": loss.item(),
                    "lr": scheduler.get_last_lr(),
                    "momentum": optimizer.param_groups[0]["momentum"],
                }
            )
        )
