"""Early stopping on a validation split, the best weights kept by deepcopy, and ReduceLROnPlateau."""

import copy
import json

import numpy as np
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset, random_split


class EarlyStopping:
    """Stops the training if validation loss does not improve after a given patience."""

    def __init__(self, patience=7, verbose=False, delta=0, path="checkpoint.pt"):
        self.patience = patience
        self.verbose = verbose
        self.counter = 0
        self.best_score = None
        self.early_stop = False
        self.val_loss_min = np.inf
        self.delta = delta
        self.path = path

    def __call__(self, val_loss, model):
        score = -val_loss
        if self.best_score is None:
            self.best_score = score
            self.save_checkpoint(val_loss, model)
        elif score < self.best_score + self.delta:
            self.counter += 1
            if self.counter >= self.patience:
                self.early_stop = True
        else:
            self.best_score = score
            self.save_checkpoint(val_loss, model)
            self.counter = 0

    def save_checkpoint(self, val_loss, model):
        torch.save(model.state_dict(), self.path)
        self.val_loss_min = val_loss


torch.manual_seed(11)
x = torch.randn(120, 1, 8, 8)
y = (x[:, 0, :4].mean((1, 2)) > x[:, 0, 4:].mean((1, 2))).long()
y[::5] = 1 - y[::5]  # noise, which is learnt by heart
train_set, val_set = random_split(TensorDataset(x, y), [80, 40], generator=torch.Generator().manual_seed(4))
train_loader = DataLoader(train_set, batch_size=20, shuffle=True)
valid_loader = DataLoader(val_set, batch_size=40)

model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ELU(), nn.Flatten(), nn.Linear(16 * 36, 2))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=1, threshold=1e-3)
early_stopping = EarlyStopping(patience=4)
best = copy.deepcopy(model.state_dict())
best_loss = float("inf")

for epoch in range(1, 25):
    train_losses, valid_losses = [], []
    model.train()
    for data, target in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(data), target)
        loss.backward()
        optimizer.step()
        train_losses.append(loss.item())
    model.eval()
    with torch.inference_mode():
        for data, target in valid_loader:
            valid_losses.append(criterion(model(data), target).item())
    valid_loss = np.average(valid_losses)
    scheduler.step(valid_loss)
    if valid_loss < best_loss:
        best_loss, best = valid_loss, copy.deepcopy(model.state_dict())
    print(
        json.dumps(
            {
                "epoch": epoch,
                "loss": np.average(train_losses),
                "valid": valid_loss,
                "lr": optimizer.param_groups[0]["lr"],
            }
        )
    )
    early_stopping(valid_loss, model)
    if early_stopping.early_stop:
        break

model.load_state_dict(torch.load("checkpoint.pt"))
same = all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), best.values()))
print(json.dumps({"stopped": epoch, "best": float(best_loss), "same": same}))
