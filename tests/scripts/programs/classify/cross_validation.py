"""K-fold cross-validation with Subset samplers, a metric class, per-class reports, models re-initialised between folds."""

import json
from collections import defaultdict

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset


class AverageMeter(object):
    """Computes and stores the average and current value"""

    def __init__(self, name, fmt=":f"):
        self.name, self.fmt = name, fmt
        self.reset()

    def reset(self):
        self.val = self.avg = self.sum = self.count = 0

    def update(self, val, n=1):
        self.val = val
        self.sum += val * n
        self.count += n
        self.avg = self.sum / self.count

    def __str__(self):
        fmtstr = "{name} {val" + self.fmt + "} ({avg" + self.fmt + "})"
        return fmtstr.format(**self.__dict__)


def accuracy(output, target, topk=(1,)):
    """Computes the accuracy over the k top predictions for the specified values of k"""
    with torch.no_grad():
        maxk = max(topk)
        batch_size = target.size(0)
        _, pred = output.topk(maxk, 1, True, True)
        pred = pred.t()
        correct = pred.eq(target.view(1, -1).expand_as(pred))
        return [correct[:k].reshape(-1).float().sum(0, keepdim=True).mul_(100.0 / batch_size) for k in topk]


def reset_weights(m):
    for layer in m.children():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()


def folds(n, k):
    indices = np.random.RandomState(0).permutation(n)
    for part in np.array_split(indices, k):
        yield np.setdiff1d(indices, part), part


torch.manual_seed(42)
images = torch.randn(60, 2, 7, 7)
labels = images.sum((2, 3)).abs().argmax(1) + 2 * (images[:, 0, 0, 0] > 0)
dataset = TensorDataset(images, labels)
network = nn.Sequential(nn.Conv2d(2, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(200, 4))
results = {}
for fold, (train_ids, test_ids) in enumerate(folds(len(dataset), 3)):
    trainloader = DataLoader(dataset, batch_size=16, sampler=SubsetRandomSampler(train_ids.tolist()))
    testloader = DataLoader(dataset, batch_size=20, sampler=SubsetRandomSampler(test_ids.tolist()))
    network.apply(reset_weights)
    reset_weights(network)
    optimizer = torch.optim.ASGD(network.parameters(), lr=0.05)
    losses, top1, top2 = AverageMeter("Loss", ":.4e"), AverageMeter("Acc@1", ":6.2f"), AverageMeter("Acc@2", ":6.2f")
    network.train()
    for epoch in range(2):
        for inputs, targets in trainloader:
            outputs = network(inputs)
            loss = nn.functional.cross_entropy(outputs, targets)
            for param in network.parameters():
                param.grad = None
            loss.backward()
            optimizer.step()
            acc1, acc2 = accuracy(outputs, targets, topk=(1, 2))
            losses.update(loss.item(), inputs.size(0))
            top1.update(acc1[0].item(), inputs.size(0))
            top2.update(acc2[0].item(), inputs.size(0))
        print(json.dumps({"fold": fold, "average": losses.avg, "text": f"{top1} {top2}"}))
    network.eval()
    per_class, matrix = defaultdict(list), torch.zeros(4, 4, dtype=torch.int64)
    with torch.no_grad():
        for inputs, targets in testloader:
            predicted = torch.max(network(inputs), 1).indices
            for t, p in zip(targets.view(-1), predicted.view(-1)):
                matrix[t.long(), p.long()] += 1
                per_class[t.item()].append(bool(t == p))
    results[fold] = 100.0 * matrix.diag().sum() / matrix.sum()
    print(json.dumps({"matrix": matrix.tolist(), "classes": {str(k): sum(v) for k, v in sorted(per_class.items())}}))
print(json.dumps({"mean": torch.stack(list(results.values())).mean().item(), "text": f"{results[0]:.1f} %"}))
