"""Own Dataset, Sampler, batch sampler and collate function; workers, weights, subsets, iterable data."""

import json

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    WeightedRandomSampler,
    get_worker_info,
)


class Lines(Dataset):
    def __init__(self, n, transform=None):
        rng = np.random.RandomState(0)
        self.items = [
            (rng.rand(k % 5 + 2, 3).astype(np.float32), k % 3, {"name": "line%d" % k, "k": k}) for k in range(n)
        ]
        self.transform = transform

    def __len__(self):
        return len(self.items)

    def __getitem__(self, idx):
        if torch.is_tensor(idx):
            idx = idx.tolist()
        line, label, info = self.items[idx]
        if self.transform:
            line = self.transform(line)
        return line, label, info


class LengthSampler(Sampler):
    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(sorted(range(len(self.data_source)), key=lambda i: len(self.data_source[i][0])))

    def __len__(self):
        return len(self.data_source)


def collate_fn(batch):
    lines, labels, infos = zip(*batch)
    lengths = torch.as_tensor([len(line) for line in lines])
    return pad_sequence(lines, batch_first=True, padding_value=-1), torch.tensor(labels), lengths, infos


class Countdown(IterableDataset):
    def __init__(self, start):
        self.start = start

    def __iter__(self):
        info = get_worker_info()
        step = 1 if info is None else info.num_workers
        first = self.start - (0 if info is None else info.id)
        return iter(range(first, 0, -step))


def worker_init_fn(worker_id):
    np.random.seed(torch.initial_seed() % 2**32)


if __name__ == "__main__":
    torch.manual_seed(6)
    dataset = Lines(17, transform=torch.from_numpy)
    for workers in (0, 2):
        loader = DataLoader(
            dataset,
            batch_size=4,
            sampler=LengthSampler(dataset),
            collate_fn=collate_fn,
            num_workers=workers,
            worker_init_fn=worker_init_fn,
        )
        for lines, labels, lengths, infos in loader:
            out = {"shape": list(lines.shape), "sum": lines.sum().item(), "labels": labels.tolist()}
            print(json.dumps({**out, "lengths": lengths.tolist(), "first": infos[0]["name"]}))

    fixed = [(np.float32(i), i, {"name": str(i), "pair": (i, float(i))}) for i in range(10)]
    for batch in DataLoader(fixed, batch_size=4, shuffle=True, drop_last=True):
        value, number, info = batch
        print(json.dumps({"dtype": str(value.dtype), "number": number.tolist(), "names": info["name"]}))
        print(json.dumps({"pair": [t.tolist() for t in info["pair"]], "types": [str(t.dtype) for t in info["pair"]]}))

    both = ConcatDataset([Subset(dataset, range(3)), Subset(dataset, [9, 10])])
    print(json.dumps({"concat": [both[i][2]["k"] for i in range(len(both))], "last": both[-1][1]}))
    sampler = BatchSampler(SequentialSampler(range(7)), batch_size=3, drop_last=False)
    print(json.dumps({"batches": list(sampler), "len": len(sampler)}))
    loader = DataLoader(range(12), batch_size=5, sampler=SubsetRandomSampler([1, 3, 5, 7, 9, 11]))
    print(json.dumps({"subset": [b.tolist() for b in loader]}))
    counts = torch.bincount(torch.tensor([0, 0, 0, 1, 1, 2]))
    weights = 1.0 / counts[torch.tensor([0, 0, 0, 1, 1, 2])].double()
    drawn = list(WeightedRandomSampler(weights, 60, replacement=True, generator=torch.Generator().manual_seed(0)))
    print(json.dumps({"weighted": drawn}))
    for workers in (0, 2):
        print(
            json.dumps({"iterable": sorted(torch.cat(list(DataLoader(Countdown(9), 2, num_workers=workers))).tolist())})
        )
    try:
        DataLoader(dataset, batch_size=2, shuffle=True, sampler=LengthSampler(dataset))
    except ValueError as error:
        print(json.dumps({"message": str(error)}))
    try:
        for _ in DataLoader(dataset, batch_size=4):
            pass
    except RuntimeError as error:
        print(json.dumps({"message": str(error).split(",")[0]}))
