"""Label smoothing four ways, focal loss and class weights: each as people write it, and as the library has it."""

import json

import torch
import torch.nn as nn
import torch.nn.functional as F


class LabelSmoothingCrossEntropy(nn.Module):
    def __init__(self, smoothing=0.1):
        super(LabelSmoothingCrossEntropy, self).__init__()
        assert smoothing < 1.0
        self.smoothing = smoothing
        self.confidence = 1.0 - smoothing

    def forward(self, x, target):
        logprobs = F.log_softmax(x, dim=-1)
        nll_loss = -logprobs.gather(dim=-1, index=target.unsqueeze(1))
        nll_loss = nll_loss.squeeze(1)
        smooth_loss = -logprobs.mean(dim=-1)
        loss = self.confidence * nll_loss + self.smoothing * smooth_loss
        return loss.mean()


class LabelSmoothingLoss(nn.Module):
    def __init__(self, classes, smoothing=0.0, dim=-1):
        super(LabelSmoothingLoss, self).__init__()
        self.confidence, self.smoothing, self.cls, self.dim = 1.0 - smoothing, smoothing, classes, dim

    def forward(self, pred, target):
        pred = pred.log_softmax(dim=self.dim)
        with torch.no_grad():
            true_dist = torch.zeros_like(pred)
            true_dist.fill_(self.smoothing / (self.cls - 1))
            true_dist.scatter_(1, target.data.unsqueeze(1), self.confidence)
        return torch.mean(torch.sum(-true_dist * pred, dim=self.dim))


class FocalLoss(nn.Module):
    def __init__(self, alpha=1, gamma=2, logits=True, reduce=True):
        super(FocalLoss, self).__init__()
        self.alpha, self.gamma, self.logits, self.reduce = alpha, gamma, logits, reduce

    def forward(self, inputs, targets):
        if self.logits:
            BCE_loss = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
        else:
            BCE_loss = F.binary_cross_entropy(inputs, targets, reduction="none")
        pt = torch.exp(-BCE_loss)
        F_loss = self.alpha * (1 - pt) ** self.gamma * BCE_loss
        return torch.mean(F_loss) if self.reduce else F_loss


torch.manual_seed(2)
images, target = torch.randn(25, 2, 7, 7), torch.randint(0, 5, (25,))
weight = 1.0 / torch.bincount(target, minlength=5).clamp(min=1).float()
onehot = torch.zeros(25, 5).scatter_(1, target.view(-1, 1), 1)
losses = {
    "own": LabelSmoothingCrossEntropy(0.1),
    "distribution": LabelSmoothingLoss(5, 0.1),
    "library": nn.CrossEntropyLoss(label_smoothing=0.1),
    "weights": nn.CrossEntropyLoss(weight=weight, label_smoothing=0.05),
    "soft": lambda out, t: F.cross_entropy(out, onehot * 0.9 + 0.02),
    "focal": lambda out, t: FocalLoss()(out, onehot),
    "sum": nn.CrossEntropyLoss(size_average=False),
    "multimargin": nn.MultiMarginLoss(),
    "kl": lambda out, t: F.kl_div(out.log_softmax(1), onehot * 0.8 + 0.04, reduction="batchmean"),
    "poly": lambda out, t: (F.cross_entropy(out, t, reduction="none") + 1 - F.softmax(out, 1)[range(25), t]).mean(),
}
for name, criterion in losses.items():
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(2, 6, 3), nn.Softplus(), nn.AvgPool2d(5), nn.Flatten(), nn.Linear(6, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in range(3):
        loss = criterion(model(images), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(json.dumps({"criterion": name, "value": loss.item()}))
