"""Pickles that ask for memory or time without end: refused at a cost that their length explains."""

import io
import pickle
import struct
import time
import tracemalloc

import numpy as np
import pytest

from tests.data.crafted import archive, call, get, legacy, name, number, program, put, tensor_parts, text
from tinygrad_cnn.serialization import load
from tinygrad_cnn.vision.datasets._python2 import read_python2_pickle

REFUSED = (pickle.UnpicklingError, RuntimeError)
TENSOR = name("torch._utils", "_rebuild_tensor_v2")


def laughs(levels, kind=pickle.TUPLE2):
    """A tuple of twice a tuple of twice ...: `levels` instructions, 2**levels elements."""
    return pickle.EMPTY_TUPLE + pickle.TUPLE1 + b"".join(put(i) + get(i) + kind for i in range(levels))


LAUGHS = laughs(60)
LISTS = pickle.EMPTY_LIST + b"".join(put(i) + pickle.EMPTY_LIST + (get(i) + pickle.APPEND) * 2 for i in range(60))
ENDLESS = tensor_parts(size=(2**60,), stride=(0,))  # one element, 2**60 times
MANY = pickle.MARK + b"".join(b"J" + struct.pack("<i", i) for i in range(3000)) + pickle.TUPLE
TEXT = text("x" * 20_000)


def again(function, argument, prefix=b""):
    """A list of 2,000 results of one function and one argument."""
    one = get(0) + prefix + get(1) + pickle.REDUCE
    return (function, put(0), argument, pickle.TUPLE1, put(1), pickle.EMPTY_LIST, pickle.MARK, one * 2000, b"e")


EXPENSIVE = {
    "a tuple of tuples as a key": (pickle.EMPTY_DICT, LAUGHS, pickle.NONE, pickle.SETITEM),
    "keys that repeat tuples": (
        *(pickle.EMPTY_DICT, laughs(9), put(99)),
        b"".join(get(99) + number(i) + pickle.TUPLE2 + pickle.NONE + pickle.SETITEM for i in range(3000)),
    ),
    "a tuple of tuples in a set": (call(name("builtins", "set"), pickle.EMPTY_LIST + LAUGHS + pickle.APPEND),),
    "a tuple of tuples counted": (call(name("collections", "Counter"), pickle.EMPTY_LIST + LAUGHS + pickle.APPEND),),
    "a tuple of tuples as an ordered key": (
        call(name("collections", "OrderedDict"), pickle.EMPTY_LIST, LAUGHS, pickle.NONE, pickle.TUPLE2, pickle.APPEND),
    ),
    "a tuple of tuples as an id": (LAUGHS, pickle.BINPERSID),
    "lists of lists as an id": (LISTS, pickle.BINPERSID),
    "a tuple of tuples as a count": (
        *(pickle.MARK, text("storage"), name("torch", "FloatStorage"), text("0"), text("cpu"), LAUGHS),
        *(pickle.TUPLE, pickle.BINPERSID),
    ),
    "a tuple of tuples called": (LAUGHS, pickle.EMPTY_TUPLE, pickle.REDUCE),
    "lists of lists made anew": (LISTS, pickle.EMPTY_TUPLE, pickle.NEWOBJ),
    "a tuple of tuples as a codec": (call(name("_codecs", "encode"), text("a"), LAUGHS),),
    "lists of lists as a device": (call(name("torch", "device"), LISTS),),
    "a tuple of tuples as a number": (call(name("builtins", "complex"), LAUGHS),),
    "a tuple of tuples as a size": (call(name("torch", "Size"), LAUGHS),),
    "an endless tensor as a set": (call(name("builtins", "set"), ENDLESS),),
    "an endless tensor counted": (call(name("collections", "Counter"), ENDLESS),),
    "an endless tensor as pairs": (call(name("collections", "OrderedDict"), ENDLESS),),
    "an endless tensor as a pair": (call(name("collections", "OrderedDict"), b"]" + ENDLESS + b"a"),),
    "an endless tensor as a size": (call(TENSOR, tensor_parts(), number(0), ENDLESS, ENDLESS, b"\x89", pickle.NONE),),
    "an endless tensor as a number": (call(name("builtins", "complex"), ENDLESS),),
    "an endless tensor as bytes": (call(name("builtins", "bytearray"), ENDLESS),),
    "an endless tensor as arguments": (name("collections", "OrderedDict"), ENDLESS, pickle.NEWOBJ),
    "an endless tensor as attributes": (call(name("collections", "OrderedDict")), ENDLESS, pickle.BUILD),
    "an endless tensor as a message": (call(name("torch", "device"), ENDLESS),),
    "sets of one list": again(name("builtins", "set"), MANY),
    "ordered dictionaries of one list": again(name("builtins", "bytearray"), b"]" + MANY + b"a"),
    "sizes of one tuple": again(name("torch", "Size"), MANY),
    "bytes of one text": again(name("_codecs", "encode"), TEXT),
    "attributes of one dictionary": (
        *(name("collections", "OrderedDict"), put(0), pickle.EMPTY_DICT, pickle.MARK),
        *(b"".join(text(f"{i}") + pickle.NONE for i in range(1000)), pickle.SETITEMS, put(1), pickle.EMPTY_LIST),
        *(pickle.MARK, (get(0) + pickle.EMPTY_TUPLE + pickle.REDUCE + get(1) + pickle.BUILD) * 1000, pickle.APPENDS),
    ),
    "bytes of a number": (call(name("builtins", "bytearray"), number(2**40)),),
    "a text of 4 GB": (pickle.BINUNICODE, struct.pack("<I", 2**32 - 1)),
    "tuples nested in tuples": (pickle.EMPTY_TUPLE, pickle.TUPLE1 * 2000),
    "a memo far away": (pickle.LONG_BINGET, struct.pack("<I", 2**32 - 1)),
    "marks without end": (pickle.MARK * 10_000, pickle.APPENDS),
    "a storage of a terabyte": (tensor_parts(numel=2**40),),
    "a view of a terabyte": (tensor_parts(size=(2**40,)),),
}


@pytest.mark.parametrize("case", EXPENSIVE)
def test_what_a_file_claims_costs_nothing(case):
    pickled = program(*EXPENSIVE[case])
    with pytest.raises(REFUSED):
        load(io.BytesIO(legacy(pickled)))
    data = archive(pickled, [bytes(16)])
    started = time.thread_time()
    tracemalloc.start()
    try:
        with pytest.raises(REFUSED) as error:
            load(io.BytesIO(data))
        assert tracemalloc.get_traced_memory()[1] < 400 * len(data) + (4 << 20)
    finally:
        tracemalloc.stop()
    assert time.thread_time() - started < 2
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize("content", [pickle.EMPTY_LIST * 5000, b"\x85" * 900, LISTS], ids=["wide", "deep", "shared"])
def test_honest_sharing_and_nesting_load(content):
    data = archive(program(pickle.EMPTY_LIST, pickle.MARK, pickle.NONE, content, pickle.APPENDS))
    assert isinstance(load(io.BytesIO(data)), list)


def test_a_list_thirty_thousand_deep_loads_and_goes():
    found = load(io.BytesIO(archive(program(pickle.EMPTY_LIST * 30_000, pickle.APPEND * 29_999))))
    depth = 0
    while found:
        (found,) = found
        depth += 1
    assert depth == 29_999


def test_keys_that_are_tuples_may_share_parts():
    shared = tuple(range(50))
    state = {(shared, i): i for i in range(200)} | {"set": {(shared, 1), (shared, 2)}}
    assert load(io.BytesIO(archive(pickle.dumps(state, 2)))) == state


ANNOUNCED = call(name("numpy.core.multiarray", "_reconstruct"), name("numpy", "ndarray"))
CIFAR = {
    "one array again and again": (
        *(name("numpy.core.multiarray", "_reconstruct"), put(0), name("numpy", "ndarray"), pickle.TUPLE1, put(1)),
        *(b"(K\1J", struct.pack("<i", 20_000), b"\x85", call(name("numpy", "dtype"), b"U\2u1"), b"\x89"),
        *(b"T", struct.pack("<I", 20_000), bytes(20_000), b"t", put(2), b"}K\1]("),
        *((get(0) + get(1) + b"R" + get(2) + b"b") * 1000, b"es"),
    ),
    "dictionaries of dictionaries": (
        b"}",
        b"".join(put(i) + b"}" + b"K\1" + get(i) + b"s" + b"K\2" + get(i) + b"s" for i in range(60)),
        b"\x85",
    ),
    "a dictionary in itself": (b"}", put(0), b"K\1", get(0), b"s\x85"),
    "a shape of tuples": (
        *(ANNOUNCED, b"(K\1", LAUGHS),
        *(call(name("numpy", "dtype"), b"U\2u1"), b"\x89U\1at", b"b"),
    ),
    "an array of 2**60 bytes": (
        *(ANNOUNCED, b"(K\1", number(2**60)),
        *(b"\x85", call(name("numpy", "dtype"), b"U\2u1"), b"\x89U\1at", b"b"),
    ),
    "an array that is never filled": (b"}", b"U\1a", ANNOUNCED, b"s"),
    "an array of characters of something else": (ANNOUNCED, b"(K\1K\1\x85U\2f4\x89U\1at", pickle.BUILD),
    "an array of objects": (call(name("numpy", "dtype"), b"U\1O"),),
    "a string of 4 GB": (pickle.BINSTRING, struct.pack("<I", 2**32 - 1)),
}


@pytest.mark.parametrize("case", CIFAR)
def test_what_a_cifar_file_claims_costs_nothing(tmp_path, case):
    (tmp_path / "batch").write_bytes(program(*CIFAR[case]))
    tracemalloc.start()
    try:
        with pytest.raises(pickle.UnpicklingError, match="batch: "):
            read_python2_pickle(tmp_path / "batch")
        assert tracemalloc.get_traced_memory()[1] < 400 * (tmp_path / "batch").stat().st_size + (4 << 20)
    finally:
        tracemalloc.stop()


def test_dictionaries_of_dictionaries_in_a_cifar_file(tmp_path):
    pickled = program(b"}", b"".join(put(i) + b"}K\1" + get(i) + b"sK\2" + get(i) + b"s" for i in range(60)))
    (tmp_path / "batch").write_bytes(pickled)
    assert read_python2_pickle(tmp_path / "batch").keys() == {1, 2}


def test_numbers_of_255_bytes():
    digits = pickle.LONG1 + b"\xff" + b"\x7f" * 255
    assert load(io.BytesIO(archive(program(digits)))) == int.from_bytes(b"\x7f" * 255, "little")
    for parts in ({"numel": 0}, {"offset": 0}, {"size": (0,)}, {"stride": (0,)}):
        pickled = program(tensor_parts(**parts).replace(number(0), digits))
        with pytest.raises(REFUSED):
            load(io.BytesIO(archive(pickled, [np.zeros(4, np.float32).tobytes()])))
