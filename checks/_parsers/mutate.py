"""Damage to a file, the same for the same seed."""

from __future__ import annotations

import random

__all__ = ["mutated"]

_WORTHWHILE = [
    0,
    1,
    2,
    4,
    7,
    8,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**62,
    2**63,
]


def _flip(data: bytearray, place: int, source: random.Random) -> None:
    data[place] ^= 1 << source.randrange(8)


def _replace(data: bytearray, place: int, source: random.Random) -> None:
    data[place] = source.randrange(256)


def _number(data: bytearray, place: int, source: random.Random) -> None:
    size = source.choice([1, 2, 4, 8])
    value = source.choice(_WORTHWHILE) % (1 << 8 * size)
    data[place : place + size] = value.to_bytes(size, source.choice(["little", "big"]))


def _cut(data: bytearray, place: int, source: random.Random) -> None:
    del data[place:]


def _remove(data: bytearray, place: int, source: random.Random) -> None:
    del data[place : place + source.randint(1, 16)]


def _repeat(data: bytearray, place: int, source: random.Random) -> None:
    data[place:place] = data[place : place + source.randint(1, 64)] * source.choice([1, 1, 2, 50])


def _move(data: bytearray, place: int, source: random.Random) -> None:
    size = source.randint(1, 32)
    start = source.randrange(len(data))
    data[place : place + size] = data[start : start + size]


def _insert(data: bytearray, place: int, source: random.Random) -> None:
    data[place:place] = source.randbytes(source.randint(1, 16))


def _zero(data: bytearray, place: int, source: random.Random) -> None:
    size = min(source.randint(1, 64), len(data) - place)
    data[place : place + size] = bytes(size)


_KINDS = [_flip, _flip, _replace, _replace, _number, _number, _cut, _remove, _repeat, _move, _insert, _zero]


def mutated(files: list[bytes], seed: str) -> bytes:
    """Return one of the files with one to four damages, sometimes with the end of another one."""
    source = random.Random(seed)
    data = bytearray(source.choice(files))
    for _ in range(source.choice([1, 1, 1, 2, 3, 4])):
        if data:
            source.choice(_KINDS)(data, source.randrange(len(data)), source)
    if source.random() < 0.02:
        other = source.choice(files)
        data[source.randrange(len(data) + 1) :] = other[source.randrange(len(other)) :]
    return bytes(data)
