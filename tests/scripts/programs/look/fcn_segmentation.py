"""Semantic segmentation: skips of a fully convolutional net, void labels, a confusion matrix, poly schedule, colours."""

import json

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(15)
n_classes, ignore = 4, 255


def bilinear_kernel(in_channels, out_channels, kernel_size):
    factor = (kernel_size + 1) // 2
    center = factor - 1 if kernel_size % 2 == 1 else factor - 0.5
    og = np.ogrid[:kernel_size, :kernel_size]
    filt = (1 - abs(og[0] - center) / factor) * (1 - abs(og[1] - center) / factor)
    weight = np.zeros((in_channels, out_channels, kernel_size, kernel_size), dtype="float32")
    weight[range(in_channels), range(out_channels), :, :] = filt
    return torch.from_numpy(weight)


class FCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.block1 = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2, 2, ceil_mode=True))
        self.block2 = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2, 2, ceil_mode=True))
        self.score1, self.score2 = nn.Conv2d(8, n_classes, 1), nn.Conv2d(12, n_classes, 1)
        self.up2 = nn.ConvTranspose2d(n_classes, n_classes, 4, 2, 1, bias=False)
        self.up1 = nn.ConvTranspose2d(n_classes, n_classes, 4, 2, 1, bias=False)
        for up in (self.up1, self.up2):
            up.weight.data = bilinear_kernel(n_classes, n_classes, 4)

    def forward(self, x):
        h = self.block1(x)
        s2 = self.up2(self.score2(self.block2(h)))
        s1 = self.score1(h)
        s = s1 + s2[:, :, : s1.size(2), : s1.size(3)]
        return self.up1(s)[:, :, : x.size(2), : x.size(3)].contiguous()


def fast_hist(label_true, label_pred, n_class):
    mask = (label_true >= 0) & (label_true < n_class)
    return torch.bincount(n_class * label_true[mask] + label_pred[mask], minlength=n_class**2).reshape(n_class, n_class)


class PolyLR(torch.optim.lr_scheduler.LambdaLR):
    def __init__(self, optimizer, max_iter, power=0.9):
        super().__init__(optimizer, lambda it: (1 - it / max_iter) ** power)


model = FCN()
images = torch.rand(6, 3, 18, 15)
labels = (images.mean(1) * 12 - 4).clamp(0, 3).long()
labels[:, ::5, ::7] = ignore
params = [
    {"params": [p for n, p in model.named_parameters() if "up" not in n], "lr": 0.1},
    {"params": [p for n, p in model.named_parameters() if "up" in n], "lr": 0.01},
]
optimizer = torch.optim.SGD(params, momentum=0.9, weight_decay=5e-4)
scheduler = PolyLR(optimizer, 10)
criterion = nn.CrossEntropyLoss(ignore_index=ignore, weight=torch.tensor([1.0, 0.5, 0.5, 1.0]))
for it in range(8):
    score = model(images)
    loss = criterion(score, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    hist = fast_hist(labels, score.argmax(1), n_classes).double()
    iu = torch.diag(hist) / (hist.sum(dim=1) + hist.sum(dim=0) - torch.diag(hist))
    acc = torch.diag(hist).sum() / hist.sum()
    line = {"loss": loss.item(), "acc": acc.item(), "lr": scheduler.get_last_lr()}
    print(json.dumps({**line, "valid": int(torch.isnan(iu).logical_not().sum()), "pixels": int(hist.sum())}))

palette = torch.tensor([2**25 - 1, 2**15 - 1, 2**21 - 1])
colors = (torch.as_tensor([i for i in range(n_classes)])[:, None] * palette % 255).numpy().astype("uint8")
picture = colors[labels[0].clamp(max=3).numpy()]
print(json.dumps({"picture": list(picture.shape), "sum": int(picture.sum()), "colors": colors.tolist()}))
