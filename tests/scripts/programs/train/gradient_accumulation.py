"""Gradient accumulation: four small batches give one step of a big one, with no_sync-like bookkeeping."""

import json
import torch
from torch import nn

torch.manual_seed(0)
accumulation_steps = 4


def make_model():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 6, kernel_size=3, bias=True),
        nn.GroupNorm(2, 6),
        nn.SiLU(),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(),
        nn.Linear(24, 3),
    )


inputs, labels = torch.randn(64, 2, 9, 9), torch.randint(0, 3, (64,))
model, whole = make_model(), make_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, dampening=0.1)
reference = torch.optim.SGD(whole.parameters(), lr=0.1, momentum=0.9, dampening=0.1)
loss_function = nn.CrossEntropyLoss()

for epoch in range(3):
    model.zero_grad()
    running = 0.0
    for i, (x, y) in enumerate(zip(inputs.split(8), labels.split(8))):
        predictions = model(x)
        loss = loss_function(predictions, y)
        loss = loss / accumulation_steps
        loss.backward()
        running += loss.item()
        if (i + 1) % accumulation_steps == 0:
            norm = sum(p.grad.data.norm(2).item() ** 2 for p in model.parameters()) ** 0.5
            optimizer.step()
            model.zero_grad()
            print(json.dumps({"loss": running, "norm": norm}))
            running = 0.0
    for x, y in zip(inputs.chunk(2), labels.chunk(2)):
        reference.zero_grad()
        loss_function(whole(x), y).backward()
        reference.step()
    close = all(torch.allclose(a, b, atol=1e-5) for a, b in zip(model.parameters(), whole.parameters()))
    print(json.dumps({"as_one_batch": close, "epoch": epoch}))
