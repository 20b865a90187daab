"""VGG with batch normalisation on CIFAR-like pictures, configuration given by a list, SGD with Nesterov momentum."""

import json
import sys

import torch
import torch.backends.cudnn as cudnn
import torch.nn as nn
import torch.optim as optim

cfg = {
    "VGG5": [8, "M", 16, "M", 16, 16, "M"],
}


class VGG(nn.Module):
    def __init__(self, vgg_name):
        super(VGG, self).__init__()
        self.features = self._make_layers(cfg[vgg_name])
        self.classifier = nn.Linear(16 * 4 * 4, 10)

    def forward(self, x):
        out = self.features(x)
        out = out.view(out.size(0), -1)
        out = self.classifier(out)
        return out

    def _make_layers(self, cfg):
        layers = []
        in_channels = 3
        for x in cfg:
            if x == "M":
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                layers += [
                    nn.Conv2d(in_channels, x, kernel_size=3, padding=1),
                    nn.BatchNorm2d(x),
                    nn.ReLU(inplace=True),
                ]
                in_channels = x
        layers += [nn.AvgPool2d(kernel_size=1, stride=1)]
        return nn.Sequential(*layers)


torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
net = VGG("VGG5")
net = net.to(device)
if device == "cuda":
    net = torch.nn.DataParallel(net)
    cudnn.benchmark = True

trainset = torch.utils.data.TensorDataset(torch.rand(96, 3, 32, 32), torch.randint(10, (96,)))
trainloader = torch.utils.data.DataLoader(trainset, batch_size=32, shuffle=True, num_workers=0)
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4, nesterov=True)
scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 2], gamma=0.1)

for epoch in range(3):
    print("\nEpoch: %d" % epoch, file=sys.stderr)
    net.train()
    train_loss, correct, total = 0, 0, 0
    for batch_idx, (inputs, targets) in enumerate(trainloader):
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()

        train_loss += loss.item()
        _, predicted = outputs.max(1)
        total += targets.size(0)
        correct += predicted.eq(targets).sum().item()
        print(json.dumps({"loss": train_loss / (batch_idx + 1), "acc": 100.0 * correct / total}))
    scheduler.step()

net.eval()
with torch.no_grad():
    outputs = net(trainset.tensors[0])
    print(json.dumps({"eval_loss": criterion(outputs, trainset.tensors[1]).item(), "lr": scheduler.get_last_lr()}))
print(json.dumps({"repr": repr(net)}))
