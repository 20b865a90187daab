"""A script of PyTorch's first years: Variable and volatile, size_average, typed tensors, legacy constructors, `.data`."""

from __future__ import absolute_import, division, print_function

import json
import warnings

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable

warnings.simplefilter("ignore")
torch.manual_seed(1234)
dtype = torch.FloatTensor


class LeNet(nn.Module):
    def __init__(self):
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 4 * 4, 24)
        self.fc2 = nn.Linear(24, 10)

    def forward(self, x):
        x = F.max_pool2d(F.tanh(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.sigmoid(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x))

    def num_flat_features(self, x):
        size = x.size()[1:]
        num_features = 1
        for s in size:
            num_features *= s
        return num_features


net = LeNet().type(dtype)
params = list(net.parameters())
criterion = nn.NLLLoss(size_average=True)
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
data = torch.FloatTensor(40, 1, 28, 28).normal_(0, 1)
labels = torch.LongTensor(np.arange(40) % 10)
data.add_(labels.float().view(-1, 1, 1, 1).expand_as(data) * 0.1)

for epoch in range(5):
    running_loss = 0.0
    perm = torch.randperm(40)
    for i in range(0, 40, 20):
        idx = perm[i : i + 20]
        inputs, target = Variable(data[idx]), Variable(labels[idx])
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, target)
        loss.backward()
        optimizer.step()
        running_loss += loss.data.numpy()
    print(json.dumps({"loss": float(running_loss / 2)}))

net.eval()
correct = 0
test_loss = 0
for i in range(4):
    inputs, target = Variable(data[i * 10 : (i + 1) * 10], volatile=True), Variable(labels[i * 10 : (i + 1) * 10])
    output = net(inputs)
    test_loss += F.nll_loss(output, target, size_average=False).data
    pred = output.data.max(1, keepdim=True)[1]
    correct += pred.eq(target.data.view_as(pred)).cpu().sum()
print(json.dumps({"test": test_loss.item() / 40, "correct": int(correct), "share": float(correct) / 40}))

# Tensors, as tutorials of those years showed them.
x = torch.Tensor(5, 3).zero_()
x[:, 1] = 1
y = torch.ones(5, 3).double().float()
result = torch.Tensor(5, 3)
torch.add(x, y, out=result)
y.add_(x)
b = y.numpy()
y.add_(1)
z = Variable(torch.ones(2, 2), requires_grad=True)
out = (z + 2).pow(2).mul(3).mean()
out.backward()
v = Variable(torch.randn(3), requires_grad=True)
w = v * 2
while w.data.norm() < 1000:
    w = w * 2
w.backward(torch.FloatTensor([0.1, 1.0, 0.0001]))
print(json.dumps({"result": result.tolist(), "shared": b.tolist(), "z": z.grad.data.tolist(), "v": v.grad.tolist()}))
print(
    json.dumps(
        {"type": [x.type(), labels.type(), torch.ByteTensor([1, 2]).type(), type(net.conv1.weight.data).__name__]}
    )
)
print(json.dumps({"isinstance": [isinstance(x, torch.FloatTensor), torch.is_tensor(z), isinstance(z, Variable)]}))
print(json.dumps({"text": str(torch.LongTensor([[1, 2], [3, 4]])) + str(torch.Tensor([0.5, 1.25])) + str(z)}))
print(json.dumps({"more": [torch.cat([x, y], 1).size(1), x.index_select(0, torch.LongTensor([0, 2])).sum().item()]}))
a = np.ones(5)
t = torch.from_numpy(a)
np.add(a, 1, out=a)
print(json.dumps({"numpy": t.tolist(), "sum": float(np.sum(x.numpy())), "mean": float(np.mean(y.numpy()))}))
