"""A denoising autoencoder: max pooling with indices and unpooling, and one of transposed convolutions."""

import json

import torch
from torch import nn


class Autoencoder(nn.Module):
    def __init__(self):
        super(Autoencoder, self).__init__()
        self.encoder = nn.Sequential(  # like the Composition layer you built
            nn.Conv2d(1, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 16, 5),
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(16, 16, 5),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        x = self.encoder(x)
        return self.decoder(x)


class SegNetLike(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 6, 3, padding=1)
        self.pool = nn.MaxPool2d(2, 2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2, 2)
        self.up = nn.ConvTranspose2d(6, 1, kernel_size=3, padding=1)

    def forward(self, x):
        x = torch.relu(self.down(x))
        size = x.size()
        x, indices = self.pool(x)
        x = self.unpool(x, indices, output_size=size)
        return torch.sigmoid(self.up(x))


def train(model, num_epochs, batch, learning_rate=1e-2):
    torch.manual_seed(42)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=1e-5)
    outputs = []
    for epoch in range(num_epochs):
        noisy = (batch + 0.2 * torch.randn(*batch.shape)).clip(0.0, 1.0)
        recon = model(noisy)
        loss = criterion(recon, batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print(json.dumps({"Epoch": epoch + 1, "cost": float(loss)}))
        outputs.append((epoch, noisy, recon.detach()))
    return outputs


torch.manual_seed(1)
images = torch.zeros(12, 1, 20, 20)
for i, j in enumerate(torch.randint(3, 15, (12, 2))):
    images[i, :, j[0] : j[0] + 4, j[1] - 2 : j[1] + 3] = 1.0
train(Autoencoder(), 6, images)
outputs = train(SegNetLike(), 6, images)
print(json.dumps({"row": outputs[-1][2][3, 0, 10].numpy().tolist()}))
print(f"Epoch:{6}, Loss:{outputs[-1][2].mean():.4f}")
