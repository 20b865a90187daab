"""The formats that are read: small whole files, how they are read, which exceptions are documented, what is right."""

from __future__ import annotations

import functools
import gzip
import io
import lzma
import pickle
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinygrad_cnn as tg
from tinygrad_cnn.serialization.archive import Archive
from tinygrad_cnn.serialization.reader import _Storages
from tinygrad_cnn.serialization.unpickler import Unpickler
from tinygrad_cnn.vision.datasets._python2 import parse_python2_pickle
from tinygrad_cnn.vision.datasets.idx import parse_idx, unpack

__all__ = ["FORMATS", "Format"]


@dataclass
class Format:
    """One way to read bytes. It may take `constant` bytes of memory, and `factor` more for each byte of a file."""

    name: str
    seeds: list[bytes]
    parse: Callable[[bytes], Any]
    allowed: tuple[type[Exception], ...]
    check: Callable[[Any], None]
    factor: int = 400
    constant: int = 4 << 20
    summed: bool = False  # checksums see to it that a damaged file gives what the whole one does, or an error
    words: list[bytes] = field(default_factory=list)  # for the fuzzer's dictionary


def same(a: Any, b: Any) -> bool:
    """Tell whether two results hold the same values."""
    if isinstance(a, tg.Tensor):
        return (
            isinstance(b, tg.Tensor)
            and a.dtype is b.dtype
            and np.array_equal(a.detach().float().numpy(), b.detach().float().numpy())
        )
    if isinstance(a, tg.nn.Module):
        return repr(a) == repr(b) and same(dict(a.state_dict()), dict(b.state_dict()))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


# ---------------------------------------------------------------- what is right


def _check_array(array: Any) -> None:
    assert isinstance(array, np.ndarray) and array.dtype.kind in "biufcV", type(array)
    if array.size:
        array[(0,) * array.ndim], array[(-1,) * array.ndim]  # the memory is there
    if array.dtype == np.bool_ and array.size < 10_000:
        assert int(np.ascontiguousarray(array).view(np.uint8).max(initial=0)) <= 1, "a bool that is not 0 or 1"


def _check_tensors(result: Any) -> None:
    """Look at every tensor in a result, however it is nested."""
    left, seen = [result], set()
    while left:
        value = left.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, tg.Tensor):
            _check_array(value.detach()._array)
        elif isinstance(value, dict):
            left += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple)):
            left += value


def _check_named(result: Any) -> None:
    assert type(result) is dict and all(type(name) is str for name in result)
    _check_tensors(result)


def _check_cifar(result: Any) -> None:
    assert type(result) is dict
    for value in result.values():
        if isinstance(value, np.ndarray):
            assert value.dtype == np.uint8
            _check_array(value)


# ---------------------------------------------------------------- whole files


def _saved(obj: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tg.save(obj, buffer, **options)
    return buffer.getvalue()


def _states() -> list[Any]:
    floats = tg.arange(6.0).view(2, 3)
    return [
        {"w": floats, "t": floats.t(), "b": tg.tensor([True, False]), "n": [1, 2.5, "x", None, (True, -3)]},
        {"w": tg.nn.Parameter(tg.ones(2)), "h": tg.ones(3, dtype=tg.bfloat16), "s": floats.shape, "d": tg.float16},
        tg.tensor([1, 2, 3]),
    ]


def _optimizer() -> dict[str, Any]:
    model = tg.nn.Sequential(tg.nn.Linear(2, 3), tg.nn.BatchNorm1d(3), tg.nn.Linear(3, 1))
    optimizer = tg.optim.Adam(model.parameters())
    scheduler = tg.optim.lr_scheduler.StepLR(optimizer, 2)
    model(tg.ones(4, 2)).sum().backward()
    optimizer.step()
    scheduler.step()
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "epoch": 3,
        "rng": tg.get_rng_state()[:64].clone(),
    }


def _idx() -> list[bytes]:
    files = []
    for code, dtype, shape in ((8, ">u1", (2, 3, 4)), (12, ">i4", (5,)), (14, ">f8", (1, 2)), (8, ">u1", ())):
        array = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
        files.append(struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape) + array.tobytes())
    return files


def _cifar() -> list[bytes]:
    """Pickles as Python 2 wrote them."""
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87R(K\x01(K\x02K\x06t"
        b"cnumpy\ndtype\nq\x03U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T\x0c\x00\x00\x00abcdefghijkltb"
    )
    ten = (
        b"}(U\x0bbatch_labelU\x05train"
        + b"U\x04data"
        + array
        + b"U\x06labels](K\x06K\x09eU\x09filenames](U\x01aU\x01beu"
    )
    hundred = b"}(U\x0bfine_labels](K\x13K\x1deU\x0dcoarse_labels](K\x0bK\x0feU\x04data" + array + b"u"
    meta = b"}(U\x0blabel_names](U\x08airplaneU\x03cateU\x07num_visM\x00\x0cu"
    return [b"\x80\x02" + body + b"." for body in (ten, hundred, meta)]


# ---------------------------------------------------------------- readers

_LOAD = (RuntimeError, pickle.UnpicklingError, EOFError, ValueError)
_WORDS = [
    *(b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch._utils\n_rebuild_parameter\n", b"ccollections\nOrderedDict\n"),
    *(b"ctorch\nFloatStorage\n", b"ctorch\nBoolStorage\n", b"c__builtin__\nset\n", b"ccollections\nCounter\n"),
    *(
        b"c_codecs\nencode\n",
        b"c__builtin__\nbytearray\n",
        b"ctorch\nSize\n",
        b"ctorch\ndevice\n",
        b"ctorch\nfloat32\n",
    ),
    *(b"ctorch._tensor\n_rebuild_from_type_v2\n", b"ctorch._utils\n_rebuild_tensor_v3\n", b"ctorch\nTensor\n"),
    *(
        b"ctorch.storage\nUntypedStorage\n",
        b"ctorch.nn.parameter\nParameter\n",
        b"X\x07\0\0\0storage",
        b"X\x03\0\0\0cpu",
    ),
    *(b"cos\nsystem\n", b")R", b"\x81", b"b", b"Q", b"}", b"](", b"\x8f", b"\x85", b"\x86", b"\x87", b"h\0", b"q\0"),
]


def _load(data: bytes, **options: Any) -> Any:
    try:
        return tg.load(io.BytesIO(data), **options)
    except ValueError as error:
        assert "Unknown endianness type" in str(error), "only an unknown byte order is a ValueError"
        raise


class _Pickle:
    """The pickle of an archive by itself, which in the archive has a checksum: storages come from one that is whole."""

    def __init__(self) -> None:
        self._archive = Archive(io.BytesIO(_saved(_states())))

    def __call__(self, data: bytes) -> Any:
        self._archive._left = self._archive._end
        return Unpickler(io.BytesIO(data), _Storages(self._archive, None)).load()

    def seeds(self) -> list[bytes]:
        """Return pickles of the first things in that archive, whose storages have the same numbers."""
        return [Archive(io.BytesIO(_saved(_states()[:count]))).read("data.pkl") for count in (1, 2, 3)]


def _safetensors(data: bytes, header: bool = False) -> Any:
    from tinygrad_cnn.utils import safetensors

    return safetensors.load(struct.pack("<Q", len(data)) + data + bytes(64) if header else data)


def _safetensors_formats() -> Sequence[Format]:
    try:
        from safetensors import SafetensorError
    except ImportError:
        return []
    from tinygrad_cnn.utils import safetensors

    allowed = (SafetensorError, RuntimeError)
    names = {"a": tg.arange(6.0).view(2, 3), "b": tg.tensor([True]), "c": tg.zeros(0, 3), "h": tg.ones(2).half()}
    files = [safetensors.save(names, {"format": "pt"}), safetensors.save({"w": tg.ones(2, 8)})]
    words = [
        b'"dtype":"F32"',
        b'"shape":[2,8]',
        b'"data_offsets":[0,64]',
        b"__metadata__",
        b"18446744073709551615",
        b"BF16",
    ]
    header = b'{"w":{"dtype":"F32","shape":[2,8],"data_offsets":[0,64]}}'
    return [
        Format("safetensors", files, _safetensors, allowed, _check_named, words=words),
        Format(
            "safetensors-header",
            [header, header[:-1] + b',"__metadata__":{"a":"b"}}'],
            functools.partial(_safetensors, header=True),
            *(allowed, _check_named),
            words=words,
        ),
    ]


def _read_packed(data: bytes) -> Any:
    return parse_idx(unpack(io.BytesIO(data), "file", 1 << 20), "file")


@functools.cache
def _formats() -> dict[str, Format]:
    reader = _Pickle()
    trusting = functools.partial(_load, weights_only=False)
    model = tg.nn.Sequential(tg.nn.Conv2d(1, 2, 3), tg.nn.ReLU(), tg.nn.Flatten(), tg.nn.Linear(8, 2))
    packed = [pack(data) for data in _idx() for pack in (gzip.compress, lzma.compress)]
    legacy = [_saved(state, _use_new_zipfile_serialization=False) for state in _states()]
    found = [
        Format("idx", _idx(), lambda data: parse_idx(bytearray(data), "file"), (ValueError,), _check_array, 4),
        Format("idx-packed", packed, _read_packed, (ValueError,), _check_array, 2200, 70 << 20, summed=True),
        Format("zip", [*map(_saved, _states())], _load, _LOAD, _check_tensors, summed=True),
        Format("pickle", reader.seeds(), reader, _LOAD[:-1], _check_tensors, words=_WORDS),
        Format("legacy", legacy, _load, _LOAD, _check_tensors, words=_WORDS),
        Format("optimizer", [_saved(_optimizer())], _load, _LOAD, _check_tensors, summed=True),
        Format("model", [_saved(model)], trusting, _LOAD, lambda result: None, summed=True),
        Format(
            *("cifar", _cifar(), lambda data: parse_python2_pickle(io.BytesIO(data), "file")),
            *((pickle.UnpicklingError,), _check_cifar),
            words=[b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"U\x02u1"],
        ),
        *_safetensors_formats(),
    ]
    return {form.name: form for form in found}


FORMATS = _formats()
