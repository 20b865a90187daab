"""The older MNIST example, with Dropout2d and `F.dropout(training=self.training)`.

Random stream: dropout's masks are not PyTorch's, so losses are compared in shape, finiteness and decrease.
"""

import json

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.autograd import Variable

torch.manual_seed(1)
if torch.cuda.is_available():
    torch.cuda.manual_seed(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.conv2_drop = nn.Dropout2d(p=0.2)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = x.view(-1, 320)
        x = F.relu(self.fc1(x))
        x = F.dropout(x, p=0.2, training=self.training)
        x = self.fc2(x)
        return F.log_softmax(x, 1)


model = Net()
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.5)
labels = torch.arange(128) % 10
images = torch.randn(128, 1, 28, 28).mul_(0.3)
images[torch.arange(128), 0, labels * 2 + 3] += 1

for epoch in range(6):
    model.train()
    total = 0.0
    for start in range(0, len(images), 32):
        data, target = Variable(images[start : start + 32]), Variable(labels[start : start + 32])
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        total += loss.data.item()
    print(json.dumps({"loss": total / 4}))

model.eval()
with torch.no_grad():
    first, second = model(images), model(images)
print(json.dumps({"same_in_eval": bool((first == second).all()), "shape": list(first.shape)}))
