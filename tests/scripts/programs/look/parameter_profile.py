"""A summary of layers, parameters and multiplications, collected by hooks, as many repositories carry one."""

import json
from collections import OrderedDict

import numpy as np
import torch
import torch.nn as nn


def summary(model, input_size, batch_size=-1):
    def register_hook(module):
        def hook(module, input, output):
            class_name = str(module.__class__).split(".")[-1].split("'")[0]
            module_idx = len(summary)
            m_key = "%s-%i" % (class_name, module_idx + 1)
            summary[m_key] = OrderedDict()
            summary[m_key]["input_shape"] = list(input[0].size())
            summary[m_key]["input_shape"][0] = batch_size
            if isinstance(output, (list, tuple)):
                summary[m_key]["output_shape"] = [[-1] + list(o.size())[1:] for o in output]
            else:
                summary[m_key]["output_shape"] = list(output.size())
                summary[m_key]["output_shape"][0] = batch_size
            params = 0
            if hasattr(module, "weight") and hasattr(module.weight, "size"):
                params += torch.prod(torch.LongTensor(list(module.weight.size())))
                summary[m_key]["trainable"] = module.weight.requires_grad
            if hasattr(module, "bias") and hasattr(module.bias, "size"):
                params += torch.prod(torch.LongTensor(list(module.bias.size())))
            summary[m_key]["nb_params"] = params

        if not isinstance(module, nn.Sequential) and not isinstance(module, nn.ModuleList) and not (module == model):
            hooks.append(module.register_forward_hook(hook))

    x = [torch.rand(2, *in_size).type(torch.FloatTensor) for in_size in [input_size]]
    summary = OrderedDict()
    hooks = []
    model.apply(register_hook)
    model(*x)
    for h in hooks:
        h.remove()
    total_params, total_output = 0, 0
    for layer in summary:
        line = "{:>20}  {:>25} {:>15}".format(
            layer, str(summary[layer]["output_shape"]), "{0:,}".format(summary[layer]["nb_params"])
        )
        total_params += summary[layer]["nb_params"]
        total_output += np.prod(summary[layer]["output_shape"])
        print(json.dumps({"line": line, "trainable": summary[layer].get("trainable")}))
    total_input_size = abs(np.prod(input_size) * batch_size * 4.0 / (1024**2.0))
    print(json.dumps({"total": int(total_params), "input_mb": total_input_size, "output": int(total_output)}))


def count_flops(model, x):
    total = []

    def conv_hook(self, input, output):
        kernel_ops = self.kernel_size[0] * self.kernel_size[1] * (self.in_channels // self.groups)
        total.append(output.numel() * (kernel_ops + (self.bias is not None)))

    def linear_hook(self, input, output):
        total.append(self.weight.nelement() * input[0].size(0) + (0 if self.bias is None else self.bias.nelement()))

    handles = [m.register_forward_hook(conv_hook) for m in model.modules() if isinstance(m, nn.Conv2d)]
    handles += [m.register_forward_hook(linear_hook) for m in model.modules() if type(m) is nn.Linear]
    model(x)
    [h.remove() for h in handles]
    return total


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2))
        self.branches = nn.ModuleList([nn.Conv2d(6, 4, k, padding=k // 2, bias=False) for k in (1, 3, 5)])
        self.act = nn.PReLU(12)
        self.head = nn.Linear(12, 7)

    def forward(self, x):
        x = self.body(x)
        x = self.act(torch.cat([branch(x) for branch in self.branches], 1))
        return self.head(x.amax((2, 3)))


torch.manual_seed(0)
model = Net()
for p in model.branches[1].parameters():
    p.requires_grad = False
summary(model, (3, 14, 14))
print(json.dumps({"flops": count_flops(model, torch.randn(1, 3, 14, 14))}))
print(json.dumps({"model": str(model)}))
trainable = sum(np.prod(p.size()) for p in filter(lambda p: p.requires_grad, model.parameters()))
print(json.dumps({"trainable": int(trainable), "all": sum(p.numel() for p in model.parameters())}))
print(json.dumps({"names": [n for n, _ in model.named_modules()], "buffers": [n for n, _ in model.named_buffers()]}))
print(json.dumps({"bytes": sum(p.numel() * p.element_size() for p in model.parameters())}))
for name, param in model.named_parameters():
    print(
        json.dumps(
            {"name": name, "text": f"{name:30s} {tuple(param.shape)!s:18} {param.dtype} {param.abs().mean():.4f}"}
        )
    )
x = torch.arange(12.0).view(3, 4)
text = f"{x} {x.mean()} {x[0, 1]:.2f} {x.max()!r} {x.shape} {x.size()} {x.long()} {x > 5} {torch.tensor(3)}"
print(json.dumps({"text": text}))
print(
    json.dumps(
        {"percent": "%.3f %d %s" % (x.sum(), x[1, 2], x[2, 3]), "types": [x.type(), str(x.dtype), str(x.device)]}
    )
)
