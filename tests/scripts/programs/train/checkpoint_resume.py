"""Training that is interrupted and resumed from a checkpoint with model, optimizer, schedule and random state."""

import argparse
import json
import os
import shutil

import torch
import torch.nn as nn
import torch.optim

parser = argparse.ArgumentParser()
parser.add_argument("--resume", default="", type=str, metavar="PATH", help="path to latest checkpoint (default: none)")
parser.add_argument("--start-epoch", default=0, type=int, metavar="N")
parser.add_argument("--epochs", default=6, type=int)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.ModuleList([nn.Conv2d(1 if i == 0 else 4, 4, 3, padding=1) for i in range(3)])
        self.norms = nn.ModuleDict({f"bn{i}": nn.BatchNorm2d(4) for i in range(3)})
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        if self.training:
            self.steps += 1
        for i, conv in enumerate(self.features):
            x = torch.tanh(self.norms[f"bn{i}"](conv(x))) * self.scale
        return self.head(x.mean(dim=[2, 3]))


def save_checkpoint(state, is_best, filename="checkpoint.pth.tar"):
    torch.save(state, filename)
    if is_best:
        shutil.copyfile(filename, "model_best.pth.tar")


def run(args, stop=None):
    torch.manual_seed(0)
    x, y = torch.randn(32, 1, 7, 7), torch.randint(2, (32,))
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=args.epochs)
    best, start = 1e9, args.start_epoch
    if args.resume:
        if os.path.isfile(args.resume):
            checkpoint = torch.load(args.resume, map_location="cpu", weights_only=False)
            start = checkpoint["epoch"]
            best = checkpoint["best"]
            model.load_state_dict(checkpoint["state_dict"])
            optimizer.load_state_dict(checkpoint["optimizer"])
            scheduler.load_state_dict(checkpoint["scheduler"])
            torch.set_rng_state(checkpoint["rng"])
        else:
            raise SystemExit("=> no checkpoint found at '{}'".format(args.resume))
    losses = []
    for epoch in range(start, args.epochs):
        noisy = x + 0.1 * torch.randn_like(x)
        loss = nn.functional.cross_entropy(model(noisy), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        is_best = loss.item() < best
        best = min(loss.item(), best)
        save_checkpoint(
            {
                "epoch": epoch + 1,
                "arch": "small",
                "state_dict": model.state_dict(),
                "best": best,
                "optimizer": optimizer.state_dict(),
                "scheduler": scheduler.state_dict(),
                "rng": torch.get_rng_state(),
                "args": vars(args),
            },
            is_best,
        )
        if epoch + 1 == stop:
            break
    return model, losses


def main():
    model, losses = run(parser.parse_args())
    for loss in losses:
        print(json.dumps({"loss": loss}))
    _, first = run(parser.parse_args([]), stop=3)
    again, second = run(parser.parse_args(["--resume", "checkpoint.pth.tar"]))
    equal = all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values()))
    print(json.dumps({"equal": equal, "resumed": first + second, "steps": int(again.steps)}))
    print(json.dumps({"keys": list(again.state_dict()), "best": os.path.exists("model_best.pth.tar")}))
    missing = Model().load_state_dict({"scale": torch.ones(1), "odd": torch.zeros(2)}, strict=False)
    print(json.dumps({"missing": missing.missing_keys[:3], "unexpected": missing.unexpected_keys}))
    try:
        Model().load_state_dict({"scale": torch.ones(1)})
    except RuntimeError as error:
        print(json.dumps({"message": str(error)}))


if __name__ == "__main__":
    main()
