"""Gradient clipping by norm and value, and by hooks on parameters; anomalies, penalties and gradient norms logged."""

import json
import math

import torch
from torch import nn, optim

torch.manual_seed(21)


class CharCNN(nn.Module):
    def __init__(self, vocab=20, dim=8):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim, padding_idx=0)
        self.convs = nn.ModuleList([nn.Conv1d(dim, 6, k) for k in (2, 3, 4)])
        self.gru = nn.GRU(18, 10, batch_first=True)
        self.out = nn.Linear(10, vocab)

    def forward(self, x):
        e = self.embed(x).transpose(1, 2)
        pooled = [torch.max(torch.relu(conv(e)), dim=2).values for conv in self.convs]
        h = torch.cat(pooled, dim=1).unsqueeze(1).repeat(1, 3, 1)
        out, _ = self.gru(h)
        return self.out(out)


text = torch.randint(1, 20, (16, 12))
text[:4, 9:] = 0
target = text[:, :3]


def train(clip):
    torch.manual_seed(5)
    model = CharCNN()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    if clip == "hook":
        for p in model.parameters():
            p.register_hook(lambda grad: torch.clamp(grad, -0.05, 0.05))
    for step in range(5):
        optimizer.zero_grad()
        logits = model(text)
        loss = nn.functional.cross_entropy(logits.view(-1, logits.size(-1)), target.reshape(-1), ignore_index=0)
        l1 = sum(p.abs().sum() for p in model.out.parameters())
        (loss + 1e-4 * l1).backward()
        norm = None
        if clip == "norm":
            norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5).item()
        elif clip == "inf":
            norm = float(nn.utils.clip_grad_norm_(model.parameters(), 0.1, norm_type=math.inf))
        elif clip == "value":
            nn.utils.clip_grad_value_(model.parameters(), 0.02)
        elif clip == "hand":
            total_norm = torch.norm(torch.stack([torch.norm(p.grad.detach(), 2.0) for p in model.parameters()]), 2.0)
            norm = total_norm.item()
            clip_coef = 0.3 / (total_norm + 1e-6)
            if clip_coef < 1:
                for p in model.parameters():
                    p.grad.detach().mul_(clip_coef)
        biggest = max(p.grad.abs().max().item() for p in model.parameters())
        optimizer.step()
        yield {"clip": clip, "value": loss.item(), "norm": norm, "biggest": biggest, "ppl": math.exp(loss.item())}


for clip in (None, "norm", "inf", "value", "hand", "hook"):
    for line in train(clip):
        print(json.dumps(line))

model = CharCNN()
model(text).sum().backward()
print(json.dumps({"padding_gradient": model.embed.weight.grad[0].abs().sum().item()}))
with torch.autograd.set_detect_anomaly(True):
    x = torch.zeros(3, requires_grad=True)
    try:
        (x.sqrt() * 0).sum().backward()
    except RuntimeError as error:
        print(json.dumps({"message": str(error)}))
vector = nn.utils.parameters_to_vector(model.parameters())
nn.utils.vector_to_parameters(vector * 2, model.parameters())
print(
    json.dumps(
        {
            "vector": vector.shape[0],
            "twice": nn.utils.parameters_to_vector(model.parameters()).sub(2 * vector).abs().max().item(),
        }
    )
)
