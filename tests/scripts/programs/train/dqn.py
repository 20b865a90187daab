"""Deep Q-learning on screens: replay memory, target network, epsilon-greedy choice, smooth L1 loss, clamped gradients."""

import json
import math
import random
from collections import deque, namedtuple
from itertools import count

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))
BATCH_SIZE, GAMMA, EPS_START, EPS_END, EPS_DECAY = 8, 0.9, 0.9, 0.05, 30


class ReplayMemory(object):
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)

    def __len__(self):
        return len(self.memory)


class DQN(nn.Module):
    def __init__(self, h, w, outputs):
        super(DQN, self).__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3, stride=2)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 8, kernel_size=3, stride=2)
        self.bn2 = nn.BatchNorm2d(8)

        def conv2d_size_out(size, kernel_size=3, stride=2):
            return (size - (kernel_size - 1) - 1) // stride + 1

        convw = conv2d_size_out(conv2d_size_out(w))
        convh = conv2d_size_out(conv2d_size_out(h))
        self.head = nn.Linear(convw * convh * 8, outputs)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.head(x.view(x.size(0), -1))


class Corridor:
    """Walk a dot to the right border of a screen."""

    def reset(self):
        self.at = 4
        return self.screen()

    def screen(self):
        screen = np.zeros((9, 11), dtype=np.float32)
        screen[4, self.at] = 1
        return torch.from_numpy(np.ascontiguousarray(screen)).unsqueeze(0).unsqueeze(0)

    def step(self, action):
        self.at += 1 if action else -1
        return float(self.at == 10) - 0.01, self.at in (0, 10)


random.seed(1)
np.random.seed(1)
torch.manual_seed(1)
env = Corridor()
policy_net, target_net = DQN(9, 11, 2), DQN(9, 11, 2)
target_net.load_state_dict(policy_net.state_dict())
target_net.eval()
optimizer = optim.SGD(policy_net.parameters(), lr=0.02)
memory = ReplayMemory(60)
steps_done = 0


def select_action(state):
    global steps_done
    eps_threshold = EPS_END + (EPS_START - EPS_END) * math.exp(-1.0 * steps_done / EPS_DECAY)
    steps_done += 1
    if random.random() > eps_threshold:
        with torch.no_grad():
            policy_net.eval()
            action = policy_net(state).max(1)[1].view(1, 1)
            policy_net.train()
            return action
    return torch.tensor([[random.randrange(2)]], dtype=torch.long)


def optimize_model():
    if len(memory) < BATCH_SIZE:
        return None
    batch = Transition(*zip(*memory.sample(BATCH_SIZE)))
    non_final_mask = torch.tensor(tuple(map(lambda s: s is not None, batch.next_state)), dtype=torch.bool)
    non_final_next_states = torch.cat([s for s in batch.next_state if s is not None])
    state_batch, action_batch, reward_batch = torch.cat(batch.state), torch.cat(batch.action), torch.cat(batch.reward)
    state_action_values = policy_net(state_batch).gather(1, action_batch)
    next_state_values = torch.zeros(BATCH_SIZE)
    next_state_values[non_final_mask] = target_net(non_final_next_states).max(1)[0].detach()
    expected_state_action_values = (next_state_values * GAMMA) + reward_batch
    loss = F.smooth_l1_loss(state_action_values, expected_state_action_values.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    for param in policy_net.parameters():
        param.grad.data.clamp_(-1, 1)
    optimizer.step()
    return loss.item()


for i_episode in range(4):
    state = env.reset()
    for t in count():
        action = select_action(state)
        reward, done = env.step(action.item())
        next_state = None if done else env.screen()
        memory.push(state, action, next_state, torch.tensor([reward]))
        state = next_state
        print(json.dumps({"step": t, "action": int(action), "td": optimize_model()}))
        if done or t > 15:
            break
    if i_episode % 2 == 0:
        target_net.load_state_dict(policy_net.state_dict())
