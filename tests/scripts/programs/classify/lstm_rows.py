"""Recurrent networks that read an image row by row: LSTM with hidden state given, a bidirectional GRU, packed rows."""

import json

import torch
import torch.nn as nn
from torch.autograd import Variable
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.manual_seed(1)
sequence_length, input_size, hidden_size, num_layers, num_classes = 10, 10, 12, 2, 3


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, num_layers, num_classes):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        # Set initial states
        h0 = Variable(torch.zeros(self.num_layers, x.size(0), self.hidden_size))
        c0 = Variable(torch.zeros(self.num_layers, x.size(0), self.hidden_size))
        out, _ = self.lstm(x, (h0, c0))
        return self.fc(out[:, -1, :])


class BiGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(input_size=input_size, hidden_size=7, num_layers=1, bidirectional=True)
        self.fc = nn.Linear(14, num_classes)

    def forward(self, x):
        out, hn = self.rnn(x.permute(1, 0, 2))
        return self.fc(torch.cat((hn[-2], hn[-1]), dim=1))


class CRNN(nn.Module):
    """Columns of convolutional features, read by an RNN of cells."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 1)))
        self.cell = nn.LSTMCell(4 * 5, 8)
        self.fc = nn.Linear(8, num_classes)

    def forward(self, x):
        x = self.conv(x.unsqueeze(1))
        b, c, h, w = x.size()
        x = x.view(b, c * h, w).permute(2, 0, 1).contiguous()
        hx, cx = x.new_zeros(b, 8), x.new_zeros(b, 8)
        for t in range(w):
            hx, cx = self.cell(x[t], (hx, cx))
        return self.fc(hx)


images = torch.rand(30, 10, 10)
labels = torch.randint(0, 3, (30,))
images[labels == 1, :5] += 1
images[labels == 2, :, 5:] += 1
criterion = nn.CrossEntropyLoss()
for net in (RNN(input_size, hidden_size, num_layers, num_classes), BiGRU(), CRNN()):
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for i in range(6):
        x = Variable(images.view(-1, sequence_length, input_size))
        optimizer.zero_grad()
        loss = criterion(net(x), Variable(labels))
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        print(json.dumps({"net": type(net).__name__, "cost": loss.item()}))

lstm = nn.LSTM(10, 4, bidirectional=True)
lengths = torch.tensor([10, 7, 7, 2])
packed = pack_padded_sequence(images[:4].transpose(0, 1), lengths)
out, (h, c) = lstm(packed)
padded, sizes = pad_packed_sequence(out, batch_first=True)
print(json.dumps({"out": padded.sum(-1).tolist(), "h": h.tolist(), "sizes": sizes.tolist()}))
