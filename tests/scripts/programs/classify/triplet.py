"""Metric learning: triplet margin loss with hard mining in the batch, a distance matrix, nearest neighbours."""

import json

import torch
import torch.nn as nn
import torch.nn.functional as F


class EmbeddingNet(nn.Module):
    def __init__(self):
        super(EmbeddingNet, self).__init__()
        self.convnet = nn.Sequential(
            nn.Conv2d(1, 8, 5), nn.PReLU(), nn.MaxPool2d(2, stride=2), nn.Conv2d(8, 16, 3), nn.PReLU(16)
        )
        self.fc = nn.Sequential(nn.Linear(16 * 2 * 2, 16), nn.PReLU(), nn.Linear(16, 4))

    def forward(self, x):
        output = self.convnet(x)
        output = output.view(output.size()[0], -1)
        return F.normalize(self.fc(output), p=2, dim=1)


def pdist(vectors):
    return (
        -2 * vectors.mm(torch.t(vectors))
        + vectors.pow(2).sum(dim=1).view(1, -1)
        + vectors.pow(2).sum(dim=1).view(-1, 1)
    )


def hard_triplets(embeddings, labels):
    with torch.no_grad():
        distance = pdist(embeddings)
        same = labels.unsqueeze(0) == labels.unsqueeze(1)
        eye = torch.eye(len(labels), dtype=torch.bool)
        positive = distance.masked_fill(~same | eye, float("-inf")).argmax(1)
        negative = distance.masked_fill(same, float("inf")).argmin(1)
    return positive, negative


torch.manual_seed(77)
net = EmbeddingNet()
labels = torch.arange(24).remainder(4)
images = torch.randn(24, 1, 12, 12) * 0.5
images += (
    torch.linspace(-1, 1, 12).mul(3).outer(torch.ones(12))[None, None] * (labels.float() - 1.5)[:, None, None, None]
)
criterion = nn.TripletMarginLoss(margin=1.0, p=2)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for step in range(8):
    embeddings = net(images)
    p, n = hard_triplets(embeddings, labels)
    loss = criterion(embeddings, embeddings[p], embeddings[n])
    loss += 0.1 * F.cosine_embedding_loss(embeddings, embeddings[n], -torch.ones(24))
    loss += 0.01 * F.margin_ranking_loss(
        (embeddings - embeddings[n]).norm(dim=1), (embeddings - embeddings[p]).norm(dim=1), torch.ones(24), margin=0.2
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(json.dumps({"loss": loss.item(), "positive": p[:5].tolist(), "negative": n[:5].tolist()}))

net.eval()
with torch.no_grad():
    gallery = net(images)
    distance = torch.cdist(gallery, gallery)
    values, nearest = distance.topk(4, dim=1, largest=False)
    recall = (labels[nearest[:, 1]] == labels).float().mean()
    center = torch.stack([gallery[labels == k].mean(0) for k in labels.unique()])
print(json.dumps({"recall": recall.item(), "center": center.tolist(), "order": nearest[0, 1:].tolist()}))
