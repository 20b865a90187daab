"""Files of data sets in their own formats, small and made up, and what a data set holds."""

from __future__ import annotations

import hashlib
import struct

import numpy as np

from tests.vision.twin import plain


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def idx(array):
    """An IDX file of bytes or int32."""
    code = {"uint8": 8, "int32": 12}[str(array.dtype)]
    header = struct.pack(">HBB", 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def python2_pickle(value):
    """A pickle of protocol 2 as Python 2 wrote it: strings are bytes, arrays NumPy 1's."""
    return b"\x80\x02" + _python2(value) + b"."


def _python2(value):
    if isinstance(value, str):
        data = value.encode("latin-1")
        return (b"U" + bytes([len(data)]) if len(data) < 256 else b"T" + struct.pack("<i", len(data))) + data
    if isinstance(value, int):
        return b"K" + bytes([value]) if value < 256 else b"J" + struct.pack("<i", value)
    if isinstance(value, list):
        return b"](" + b"".join(map(_python2, value)) + b"e"
    if isinstance(value, dict):
        return b"}(" + b"".join(_python2(key) + _python2(item) for key, item in value.items()) + b"u"
    assert value.dtype == np.uint8
    shape = b"(" + b"".join(map(_python2, value.shape)) + b"t"
    announced = b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87R"
    dtype = b"cnumpy\ndtype\nq\x03U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    data = b"T" + struct.pack("<i", value.nbytes) + value.tobytes()
    return announced + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb"


def contents(dataset):
    """All that scripts look at: length, text, samples, attributes."""
    attributes = ("data", "targets", "labels", "classes", "class_to_idx", "samples", "imgs", "extensions", "split")
    found = {name: plain(getattr(dataset, name)) for name in attributes if hasattr(dataset, name)}
    ends = [plain(dataset[i]) for i in (0, len(dataset) - 1)]
    return {"length": len(dataset), "text": repr(dataset), "ends": ends, **found}
