"""An exponential moving average of weights, by hand with shadow parameters and by a copied module."""

import copy
import json
from collections import OrderedDict

import torch
import torch.nn as nn


class EMA:
    def __init__(self, model, decay):
        self.model = model
        self.decay = decay
        self.shadow = {}
        self.backup = {}
        for name, param in model.named_parameters():
            if param.requires_grad:
                self.shadow[name] = param.data.clone()

    def update(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                assert name in self.shadow
                new_average = (1.0 - self.decay) * param.data + self.decay * self.shadow[name]
                self.shadow[name] = new_average.clone()

    def apply_shadow(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                self.backup[name] = param.data
                param.data = self.shadow[name]

    def restore(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                param.data = self.backup[name]
        self.backup = {}


class ModelEma(nn.Module):
    def __init__(self, model, decay=0.9):
        super().__init__()
        self.module = copy.deepcopy(model)
        self.module.eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for ema_v, model_v in zip(self.module.state_dict().values(), model.state_dict().values()):
            if ema_v.dtype.is_floating_point:
                ema_v.mul_(self.decay).add_(model_v, alpha=1 - self.decay)
            else:
                ema_v.copy_(model_v)


@torch.no_grad()
def accumulate(model1, model2, decay=0.5):
    par1, par2 = dict(model1.named_parameters()), dict(model2.named_parameters())
    for k in par1.keys():
        par1[k].data.mul_(decay).add_(par2[k].data, alpha=1 - decay)


torch.manual_seed(13)
model = nn.Sequential(
    OrderedDict(
        [
            ("conv", nn.Conv2d(1, 5, 5, padding=2, padding_mode="replicate", bias=False)),
            ("bn", nn.BatchNorm2d(5)),
            ("act", nn.Mish()),
            ("pool", nn.AdaptiveAvgPool2d(2)),
            ("flat", nn.Flatten()),
            ("fc", nn.Linear(20, 3)),
        ]
    )
)
ema, ema_module, slow = EMA(model, 0.8), ModelEma(model), copy.deepcopy(model)
optimizer = torch.optim.RAdam(model.parameters(), lr=5e-3)
x, y = torch.randn(30, 1, 10, 10), torch.randint(3, (30,))
for step in range(10):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    ema.update()
    ema_module.update(model)
    accumulate(slow, model)
    print(json.dumps({"loss": loss.item()}))

model.eval()
now = model(x).detach()
ema.apply_shadow()
shadow = model(x).detach()
ema.restore()
assert torch.equal(model(x), now)
out = {"now": now, "shadow": shadow, "module": ema_module.module(x), "slow": slow.eval()(x)}
print(json.dumps({k: v[:3].tolist() for k, v in out.items()}))
print(json.dumps({"tracked": ema_module.module.bn.num_batches_tracked.item()}))
