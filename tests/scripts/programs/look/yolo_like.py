"""One-stage detection: a grid of boxes, targets scattered into it, IoU and non-maximum suppression in tensors."""

import json

import torch
import torch.nn as nn

torch.manual_seed(16)
S, C = 4, 3


def bbox_iou(box1, box2):
    """(N, 4) and (M, 4) as corners -> (N, M)"""
    lt = torch.max(box1[:, None, :2], box2[None, :, :2])
    rb = torch.min(box1[:, None, 2:], box2[None, :, 2:])
    inter = (rb - lt).clamp(min=0).prod(dim=2)
    area1 = (box1[:, 2] - box1[:, 0]) * (box1[:, 3] - box1[:, 1])
    area2 = (box2[:, 2] - box2[:, 0]) * (box2[:, 3] - box2[:, 1])
    return inter / (area1[:, None] + area2 - inter + 1e-16)


def xywh2xyxy(x):
    y = x.new(x.shape)
    y[..., 0] = x[..., 0] - x[..., 2] / 2
    y[..., 1] = x[..., 1] - x[..., 3] / 2
    y[..., 2] = x[..., 0] + x[..., 2] / 2
    y[..., 3] = x[..., 1] + x[..., 3] / 2
    return y


def nms(boxes, scores, thresh=0.5):
    order = scores.sort(0, descending=True)[1]
    keep = []
    while order.numel() > 0:
        i = order[0].item()
        keep.append(i)
        if order.numel() == 1:
            break
        iou = bbox_iou(boxes[i].unsqueeze(0), boxes[order[1:]]).squeeze(0)
        ids = (iou <= thresh).nonzero(as_tuple=False).squeeze(1)
        if ids.numel() == 0:
            break
        order = order[ids + 1]
    return keep


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        for cin, cout in ((3, 8), (8, 12)):
            layers += [nn.Conv2d(cin, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout, momentum=0.9), nn.LeakyReLU(0.1)]
            layers += [nn.MaxPool2d(2, 2)]
        self.module_list = nn.ModuleList(layers)
        self.module_list.append(nn.Conv2d(12, 5 + C, 1))
        gx, gy = torch.meshgrid(torch.arange(S), torch.arange(S), indexing="xy")
        self.register_buffer("grid", torch.stack((gx, gy), -1).float(), persistent=False)

    def forward(self, x):
        for module in self.module_list:
            x = module(x)
        x = x.permute(0, 2, 3, 1).contiguous()
        xy, wh, conf, cls = x.split([2, 2, 1, C], dim=-1)
        return (xy.sigmoid() + self.grid) / S, wh.exp() * 0.3, conf.squeeze(-1), cls


images = torch.rand(5, 3, 16, 16) * 0.2
boxes = torch.rand(5, 4) * 0.4 + 0.3
classes = torch.randint(0, C, (5,))
for n in range(5):
    cx, cy = (boxes[n, :2] * 16).int().tolist()
    images[n, classes[n], cy - 2 : cy + 2, cx - 2 : cx + 2] = 1
tconf, tbox = torch.zeros(5, S, S), torch.zeros(5, S, S, 4)
b = torch.arange(5)
gi, gj = (boxes[:, :2] * S).long().t()
tconf[b, gj, gi] = 1
tbox[b, gj, gi] = boxes
obj = tconf.bool()
model = Detector()
optimizer = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.9)
mse, bce, ce = nn.MSELoss(), nn.BCEWithLogitsLoss(reduction="none"), nn.CrossEntropyLoss(reduction="sum")
for step in range(8):
    xy, wh, conf, cls = model(images)
    loss_box = mse(xy[obj], tbox[obj][:, :2]) + mse(wh[obj].sqrt(), tbox[obj][:, 2:].sqrt())
    loss_conf = bce(conf, tconf)
    loss_conf = loss_conf[obj].mean() + 0.5 * loss_conf[~obj].mean()
    loss_cls = ce(cls[b, gj, gi], classes) / obj.sum()
    loss = 5 * loss_box + loss_conf + loss_cls
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(json.dumps({"loss": loss.item(), "parts": [loss_box.item(), loss_conf.item(), loss_cls.item()]}))

model.eval()
with torch.no_grad():
    xy, wh, conf, cls = model(images)
    found = xywh2xyxy(torch.cat((xy, wh), -1)).view(5, -1, 4)
    scores = conf.sigmoid().flatten(1)
    for n in range(2):
        kept = nms(found[n], scores[n], 0.3)
        print(json.dumps({"kept": kept, "best": found[n][kept[0]].tolist(), "score": scores[n, kept[:3]].tolist()}))
    print(json.dumps({"iou": bbox_iou(found[0][:3], xywh2xyxy(boxes)).tolist(), "keys": len(model.state_dict())}))
