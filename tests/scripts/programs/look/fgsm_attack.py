"""Adversarial examples: the fast gradient sign method, and projected gradient descent."""

import json

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(42)
epsilons = [0, 0.05, 0.1, 0.3]


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 8, 3, 1)
        self.fc = nn.Linear(8 * 5 * 5, 4)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2, ceil_mode=True)
        return F.log_softmax(self.fc(torch.flatten(x, 1)), dim=1)


def fgsm_attack(image, epsilon, data_grad):
    # Collect the element-wise sign of the data gradient
    sign_data_grad = data_grad.sign()
    perturbed_image = image + epsilon * sign_data_grad
    # Adding clipping to maintain [0,1] range
    return torch.clamp(perturbed_image, 0, 1)


def pgd(model, images, labels, eps=0.1, alpha=0.03, iters=4):
    ori_images = images.data
    for _ in range(iters):
        images.requires_grad = True
        outputs = model(images)
        model.zero_grad()
        cost = F.nll_loss(outputs, labels)
        cost.backward()
        adv_images = images + alpha * images.grad.sign()
        eta = torch.clamp(adv_images - ori_images, min=-eps, max=eps)
        images = torch.clamp(ori_images + eta, min=0, max=1).detach_()
    return images


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
target = torch.arange(40) % 4
data = torch.rand(40, 1, 13, 13) * 0.4
for i in range(40):
    data[i, 0, 3 * target[i], :] += 0.5
for epoch in range(12):
    optimizer.zero_grad()
    loss = F.nll_loss(model(data), target)
    loss.backward()
    optimizer.step()
    print(json.dumps({"loss": loss.item()}))

model.eval()
for eps in epsilons:
    correct = 0
    moved = []
    for image, label in zip(data[:12].split(1), target[:12].split(1)):
        image = image.clone()
        image.requires_grad = True
        output = model(image)
        init_pred = output.max(1, keepdim=True)[1]
        if init_pred.item() != label.item():
            continue
        cost = F.nll_loss(output, label)
        model.zero_grad()
        cost.backward()
        data_grad = image.grad.data
        perturbed_data = fgsm_attack(image, eps, data_grad)
        output = model(perturbed_data)
        final_pred = output.max(1, keepdim=True)[1]
        correct += int(final_pred.item() == label.item())
        moved.append(perturbed_data.squeeze().detach().cpu().numpy().mean().item())
    print(json.dumps({"epsilon": eps, "correct": correct, "moved": moved}))

adversarial = pgd(model, data[:8].clone(), target[:8])
with torch.no_grad():
    # Several steps of signs tell roundings apart: a gradient of nearly nothing moves a pixel as far as any other.
    worse = F.nll_loss(model(adversarial), target[:8]) > F.nll_loss(model(data[:8]), target[:8])
    print(json.dumps({"worse": worse.item(), "near": bool(((adversarial - data[:8]).abs() <= 0.1 + 1e-6).all())}))
