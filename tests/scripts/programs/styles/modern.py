"""A script as written today: dataclass of settings, autocast and GradScaler off the GPU, DataParallel, compile guarded, logs."""

import contextlib
import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

try:
    from tqdm import tqdm
except ImportError:
    tqdm = None

logging.basicConfig(level=logging.WARNING)
logger = logging.getLogger(__name__)


@dataclass
class Config:
    lr: float = 3e-3
    weight_decay: float = 0.01
    epochs: int = 3
    batch_size: int = 16
    device: str = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    amp: bool = False
    out: Path = Path("runs")


class ConvNeXtBlock(nn.Module):
    def __init__(self, dim: int, layer_scale: float = 0.1) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(layer_scale * torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        y = self.dwconv(x).permute(0, 2, 3, 1)
        y = self.pwconv2(F.gelu(self.pwconv1(self.norm(y)), approximate="tanh")) * self.gamma
        return x + y.permute(0, 3, 1, 2)


class Model(nn.Module):
    def __init__(self, classes: int = 4, dim: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, dim, 4, 4)
        self.blocks = nn.Sequential(*(ConvNeXtBlock(dim) for _ in range(2)))
        self.head = nn.Linear(dim, classes)
        self.apply(self._init_weights)

    @staticmethod
    def _init_weights(m: nn.Module) -> None:
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.trunc_normal_(m.weight, std=0.02)
            if m.bias is not None:
                nn.init.zeros_(m.bias)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def forward(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        x = self.blocks(self.stem(x)).mean(dim=(-2, -1))
        out = {"logits": self.head(x)}
        if labels is not None:
            out["loss"] = F.cross_entropy(out["logits"], labels)
        return out


def main(cfg: Config) -> None:
    torch.manual_seed(0)
    torch.set_float32_matmul_precision("high")
    cfg.out.mkdir(exist_ok=True)
    device = torch.device(cfg.device)
    model = Model().to(device, memory_format=torch.channels_last)
    if torch.cuda.device_count() > 1:
        model = nn.DataParallel(model)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay, betas=(0.9, 0.95), eps=1e-5
    )
    warmup = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=3)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
    scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, cosine], milestones=[3])
    scaler = torch.amp.GradScaler(device.type, enabled=cfg.amp)
    x, y = torch.rand(48, 3, 16, 16, device=device), torch.randint(0, 4, (48,), device=device)
    x[y == 0, 0] += 1
    x[y == 1, 1] += 1
    x[y == 2, 2] += 1
    dataset = torch.utils.data.TensorDataset(x, y)
    loader = torch.utils.data.DataLoader(
        dataset, cfg.batch_size, shuffle=True, generator=torch.Generator().manual_seed(3)
    )
    t0 = time.perf_counter()
    for epoch in range(cfg.epochs):
        batches = tqdm(loader, disable=True) if tqdm else loader
        for images, labels in batches:
            images = images.to(device, non_blocking=True, memory_format=torch.channels_last)
            context = torch.autocast(device.type, enabled=True) if cfg.amp else contextlib.nullcontext()
            with context:
                loss = model(images, labels)["loss"]
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            print(json.dumps({"loss": loss.item(), "norm": norm.item(), "lr": scheduler.get_last_lr()[0]}))
    logger.info("took %.1f s", time.perf_counter() - t0)
    model.eval()
    with torch.inference_mode():
        logits = model(x)["logits"]
        print(json.dumps({"accuracy": (logits.argmax(-1) == y).float().mean().item(), "device": str(model.device)}))
    torch.save(
        {"model": model.state_dict(), "config": {k: str(v) for k, v in asdict(cfg).items()}}, cfg.out / "last.pt"
    )
    state = torch.load(cfg.out / "last.pt", map_location=device, weights_only=True)
    print(json.dumps({"loaded": str(model.load_state_dict(state["model"])), "config": state["config"]}))


if __name__ == "__main__":
    main(Config())
