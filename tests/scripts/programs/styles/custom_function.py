"""Own autograd Functions: a straight-through sign for binary networks, a swish that saves memory, a reversed gradient."""

import json

import torch
import torch.nn as nn
from torch.autograd import Function, gradcheck


class BinarizeSTE(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.sign()

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input.ge(1)] = 0
        grad_input[input.le(-1)] = 0
        return grad_input


class MemoryEfficientSwish(Function):
    @staticmethod
    def forward(ctx, i):
        result = i * torch.sigmoid(i)
        ctx.save_for_backward(i)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        i = ctx.saved_tensors[0]
        sigmoid_i = torch.sigmoid(i)
        return grad_output * (sigmoid_i * (1 + i * (1 - sigmoid_i)))


class ReverseLayerF(Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_output):
        output = grad_output.neg() * ctx.alpha
        return output, None


class LinearFunction(Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class BinConv2d(nn.Conv2d):
    def forward(self, input):
        return self._conv_forward(BinarizeSTE.apply(input), BinarizeSTE.apply(self.weight), self.bias)


class Swish(nn.Module):
    def forward(self, x):
        return MemoryEfficientSwish.apply(x)


class Linear(nn.Module):
    def __init__(self, input_features, output_features, bias=True):
        super().__init__()
        self.input_features, self.output_features = input_features, output_features
        self.weight = nn.Parameter(torch.empty(output_features, input_features))
        if bias:
            self.bias = nn.Parameter(torch.empty(output_features))
        else:
            self.register_parameter("bias", None)
        nn.init.uniform_(self.weight, -0.1, 0.1)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -0.1, 0.1)

    def forward(self, input):
        return LinearFunction.apply(input, self.weight, self.bias)

    def extra_repr(self):
        return "input_features={}, output_features={}, bias={}".format(
            self.input_features, self.output_features, self.bias is not None
        )


class DANN(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature = nn.Sequential(nn.Conv2d(1, 6, 3), Swish(), BinConv2d(6, 8, 3), nn.BatchNorm2d(8), nn.Hardtanh())
        self.classes = Linear(8, 3)
        self.domain = Linear(8, 2, bias=False)

    def forward(self, x, alpha):
        feature = self.feature(x).mean((-2, -1))
        return self.classes(feature), self.domain(ReverseLayerF.apply(feature, alpha))


torch.manual_seed(9)
net = DANN()
print(net.domain, "\n", json.dumps({}))
print(json.dumps({"repr": repr(net)}))
x, y = torch.randn(24, 1, 8, 8), torch.arange(24) % 3
domain = (torch.arange(24) >= 12).long()
x[domain == 1] += 0.5
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
for i in range(8):
    p = i / 8
    alpha = 2.0 / (1.0 + torch.exp(torch.tensor(-10.0 * p)).item()) - 1
    label, dom = net(x, alpha)
    err_label = nn.functional.cross_entropy(label, y)
    err_domain = nn.functional.cross_entropy(dom, domain)
    err = err_label + err_domain
    optimizer.zero_grad()
    err.backward()
    optimizer.step()
    print(json.dumps({"label": err_label.item(), "domain": err_domain.item(), "alpha": alpha}))

tensors = [
    torch.randn(4, 5, dtype=torch.double, requires_grad=True),
    torch.randn(3, 5, dtype=torch.double, requires_grad=True),
]
print(json.dumps({"gradcheck": gradcheck(LinearFunction.apply, tensors, eps=1e-6, atol=1e-4)}))
print(json.dumps({"swish": gradcheck(MemoryEfficientSwish.apply, (tensors[0],))}))
