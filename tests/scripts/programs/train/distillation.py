"""Knowledge distillation: a student learns a teacher's soft targets and the labels."""

import json

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(7)


def make_net(width, depth):
    layers, channels = [], 3
    for _ in range(depth):
        layers.append(nn.Conv2d(channels, width, 3, padding="same"))
        layers.append(nn.GELU())
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5))


def loss_fn_kd(outputs, labels, teacher_outputs, alpha=0.9, T=4.0):
    KD_loss = nn.KLDivLoss(reduction="batchmean")(
        F.log_softmax(outputs / T, dim=1), F.softmax(teacher_outputs / T, dim=1)
    ) * (alpha * T * T) + F.cross_entropy(outputs, labels) * (1.0 - alpha)
    return KD_loss


x = torch.rand(40, 3, 12, 12)
y = torch.randint(5, (40,))
for k in range(5):
    x[y == k, k % 3, k : k + 4] += 1

teacher, student = make_net(12, 3), make_net(4, 2)
opt = torch.optim.AdamW(teacher.parameters(), lr=1e-2)
for it in range(8):
    opt.zero_grad()
    loss = F.cross_entropy(teacher(x), y)
    loss.backward()
    opt.step()
    print(json.dumps({"teacher": loss.item()}))

teacher.eval()
for p in teacher.parameters():
    p.requires_grad_(False)
assert not any(p.requires_grad for p in teacher.parameters())

opt = torch.optim.AdamW(student.parameters(), lr=1e-2, amsgrad=True)
for it in range(8):
    with torch.no_grad():
        t = teacher(x)
    s = student(x)
    loss = loss_fn_kd(s, y, t)
    opt.zero_grad()
    loss.backward()
    opt.step()
    agree = (s.argmax(1) == t.argmax(1)).float().mean()
    print(json.dumps({"student": loss.item(), "agreement": float(agree)}))
