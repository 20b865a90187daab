"""CycleGAN: residual generators with instance norm, patch critics, cycles and identities, a replay buffer, linear decay."""

import itertools
import json
import random

import torch
import torch.nn as nn
import torch.nn.functional as F


class ResidualBlock(nn.Module):
    def __init__(self, in_features):
        super(ResidualBlock, self).__init__()
        conv_block = [
            nn.ReflectionPad2d(1),
            nn.Conv2d(in_features, in_features, 3),
            nn.InstanceNorm2d(in_features),
            nn.ReLU(inplace=True),
        ]
        self.conv_block = nn.Sequential(*conv_block)

    def forward(self, x):
        return x + self.conv_block(x)


class Generator(nn.Module):
    def __init__(self, input_nc, output_nc):
        super(Generator, self).__init__()
        model = [nn.ReflectionPad2d(3), nn.Conv2d(input_nc, 4, 7), nn.InstanceNorm2d(4), nn.ReLU(inplace=True)]
        model += [nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.InstanceNorm2d(8), nn.ReLU(inplace=True)]
        model += [ResidualBlock(8)]
        model += [
            nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1),
            nn.InstanceNorm2d(4),
            nn.ReLU(True),
        ]
        model += [nn.ReflectionPad2d(3), nn.Conv2d(4, output_nc, 7), nn.Tanh()]
        self.model = nn.Sequential(*model)

    def forward(self, x):
        return self.model(x)


class Discriminator(nn.Module):
    def __init__(self, input_nc):
        super(Discriminator, self).__init__()
        self.model = nn.Sequential(
            nn.Conv2d(input_nc, 4, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(4, 1, 4, padding=1),
        )

    def forward(self, x):
        x = self.model(x)
        return F.avg_pool2d(x, x.size()[2:]).view(x.size()[0], -1)


class ReplayBuffer:
    def __init__(self, max_size=3):
        self.max_size, self.data = max_size, []

    def push_and_pop(self, data):
        to_return = []
        for element in data.data:
            element = torch.unsqueeze(element, 0)
            if len(self.data) < self.max_size:
                self.data.append(element)
                to_return.append(element)
            elif random.uniform(0, 1) > 0.5:
                i = random.randint(0, self.max_size - 1)
                to_return.append(self.data[i].clone())
                self.data[i] = element
            else:
                to_return.append(element)
        return torch.cat(to_return)


class LambdaLR:
    def __init__(self, n_epochs, offset, decay_start_epoch):
        self.n_epochs, self.offset, self.decay_start_epoch = n_epochs, offset, decay_start_epoch

    def step(self, epoch):
        return 1.0 - max(0, epoch + self.offset - self.decay_start_epoch) / (self.n_epochs - self.decay_start_epoch)


def weights_init_normal(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        torch.nn.init.normal_(m.weight.data, 0.0, 0.02)


random.seed(0)
torch.manual_seed(0)
netG_A2B, netG_B2A = Generator(3, 1), Generator(1, 3)
netD_A, netD_B = Discriminator(3), Discriminator(1)
for net in (netG_A2B, netG_B2A, netD_A, netD_B):
    net.apply(weights_init_normal)
criterion_GAN, criterion_cycle = torch.nn.MSELoss(), torch.nn.L1Loss()
optimizer_G = torch.optim.SGD(itertools.chain(netG_A2B.parameters(), netG_B2A.parameters()), lr=0.05)
optimizer_D = torch.optim.SGD(itertools.chain(netD_A.parameters(), netD_B.parameters()), lr=0.05)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer_G, lr_lambda=LambdaLR(6, 0, 2).step)
target_real = torch.Tensor(4, 1).fill_(1.0)
target_fake = torch.Tensor(4, 1).fill_(0.0)
fake_A_buffer, fake_B_buffer = ReplayBuffer(), ReplayBuffer()
real_A, real_B = torch.rand(4, 3, 12, 12) * 2 - 1, torch.rand(4, 1, 12, 12).round() * 2 - 1

for epoch in range(5):
    optimizer_G.zero_grad()
    fake_B = netG_A2B(real_A)
    fake_A = netG_B2A(real_B)
    loss_GAN = criterion_GAN(netD_B(fake_B), target_real) + criterion_GAN(netD_A(fake_A), target_real)
    loss_cycle = criterion_cycle(netG_B2A(fake_B), real_A) * 10.0 + criterion_cycle(netG_A2B(fake_A), real_B) * 10.0
    loss_G = loss_GAN + loss_cycle
    loss_G.backward()
    optimizer_G.step()

    optimizer_D.zero_grad()
    loss_D = 0
    for net, real, fake, buffer in ((netD_A, real_A, fake_A, fake_A_buffer), (netD_B, real_B, fake_B, fake_B_buffer)):
        fake = buffer.push_and_pop(fake)
        loss_D = loss_D + (criterion_GAN(net(real), target_real) + criterion_GAN(net(fake.detach()), target_fake)) * 0.5
    loss_D.backward()
    optimizer_D.step()
    scheduler.step()
    print(json.dumps({"loss": loss_G.item(), "D": loss_D.item(), "lr": scheduler.get_last_lr()[0]}))
