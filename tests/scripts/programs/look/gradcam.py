"""Grad-CAM: activations and gradients of a layer are caught by hooks, and weighted into a heat map."""

import json

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, num_classes=4):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU()
        )
        self.avgpool = nn.AdaptiveAvgPool2d((3, 3))
        self.classifier = nn.Sequential(nn.Linear(108, 16), nn.ReLU(True), nn.Linear(16, num_classes))

    def forward(self, x):
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


class GradCAM:
    def __init__(self, model, target_layer):
        self.model = model
        self.gradients = None
        self.activations = None
        self.handles = [
            target_layer.register_forward_hook(self.save_activation),
            target_layer.register_full_backward_hook(self.save_gradient),
        ]

    def save_activation(self, module, input, output):
        self.activations = output.detach()

    def save_gradient(self, module, grad_input, grad_output):
        self.gradients = grad_output[0].detach()

    def __call__(self, x, class_idx=None):
        b, c, h, w = x.size()
        logit = self.model(x)
        score = logit[:, logit.max(1)[-1]].squeeze() if class_idx is None else logit[:, class_idx].squeeze()
        self.model.zero_grad()
        score.backward(retain_graph=True)
        b, k, u, v = self.gradients.size()
        alpha = self.gradients.view(b, k, -1).mean(2)
        weights = alpha.view(b, k, 1, 1)
        saliency_map = (weights * self.activations).sum(1, keepdim=True)
        saliency_map = F.relu(saliency_map)
        saliency_map = F.interpolate(saliency_map, size=(h, w), mode="bilinear", align_corners=False)
        smin, smax = saliency_map.min(), saliency_map.max()
        return (saliency_map - smin).div(smax - smin + 1e-8).data, logit

    def remove(self):
        for handle in self.handles:
            handle.remove()


torch.manual_seed(5)
model = Net().eval()
img = torch.randn(1, 3, 14, 14, requires_grad=True)
for layer in (model.features[0], model.features[3], model.features):
    cam = GradCAM(model, layer)
    for class_idx in (None, 2):
        mask, logit = cam(img, class_idx)
        heatmap = np.uint8(255 * mask.squeeze().numpy())
        print(
            json.dumps(
                {
                    "logit": logit[0].tolist(),
                    "mask": mask[0, 0, ::5, ::5].tolist(),
                    "shape": list(heatmap.shape),
                    "gradient": img.grad.abs().sum().item(),
                }
            )
        )
    cam.remove()
print(json.dumps({"hooks": [len(m._forward_hooks) for m in model.modules()]}))

# Guided backpropagation by hooks that change the gradient.
for module in model.modules():
    if isinstance(module, nn.ReLU):
        module.inplace = False
        module.register_full_backward_hook(lambda m, gi, go: (torch.clamp(gi[0], min=0.0),))
img.grad.zero_()
model(img)[0, 1].backward()
print(json.dumps({"guided": img.grad[0, :, 4, 4:8].numpy().tolist()}))
