"""Several heads and losses at once: classes, boxes, presence and a learned weighting by uncertainty."""

import json

import torch
import torch.nn as nn

torch.manual_seed(14)


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU6(inplace=True),
            nn.Conv2d(8, 12, 3, stride=2, padding=1),
            nn.BatchNorm2d(12),
            nn.ReLU6(inplace=True),
        )
        self.pool = nn.AdaptiveAvgPool2d((2, 2))
        self.heads = nn.ModuleDict(
            {"cls": nn.Linear(48, 4), "box": nn.Linear(48, 4), "tags": nn.Linear(48, 6), "depth": nn.Conv2d(12, 1, 1)}
        )
        self.log_vars = nn.Parameter(torch.zeros(4))

    def forward(self, x):
        f = self.backbone(x)
        flat = self.pool(f).flatten(start_dim=1)
        out = {k: self.heads[k](flat) for k in ("cls", "box", "tags")}
        out["depth"] = nn.functional.interpolate(
            self.heads["depth"](f), scale_factor=4, mode="bicubic", align_corners=False
        )
        return out


model = MultiTask()
losses = nn.ModuleDict(
    {
        "cls": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5, 1.0]), ignore_index=3),
        "box": nn.SmoothL1Loss(beta=0.5),
        "tags": nn.BCEWithLogitsLoss(pos_weight=torch.full((6,), 2.0)),
        "depth": nn.HuberLoss(delta=0.3),
    }
)
x = torch.rand(10, 3, 16, 16)
targets = {
    "cls": torch.randint(0, 4, (10,)),
    "box": torch.rand(10, 4),
    "tags": torch.empty(10, 6).uniform_().gt(0.5).float(),
    "depth": torch.randn(10, 1, 16, 16).cumsum(-1) * 0.1,
}
optimizer = torch.optim.NAdam(
    [
        {"params": model.backbone.parameters(), "lr": 1e-3},
        {"params": model.heads.parameters()},
        {"params": [model.log_vars]},
    ],
    lr=5e-3,
)
for step in range(8):
    out = model(x)
    parts = torch.stack([losses[k](out[k], targets[k]) for k in losses.keys()])
    precision = torch.exp(-model.log_vars)
    loss = torch.sum(precision * parts + model.log_vars)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(json.dumps({"loss": loss.item(), "parts": parts.tolist(), "weights": precision.tolist()}))
optimizer.add_param_group({"params": nn.Parameter(torch.zeros(1)), "lr": 0.1})
print(json.dumps({"groups": len(optimizer.param_groups), "lrs": [g["lr"] for g in optimizer.param_groups]}))
