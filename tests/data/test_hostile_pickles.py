"""Pickles written to do harm: what they call is refused by name."""

import io
import pickle
import struct

import pytest

from tests.data.crafted import archive, call, legacy, name, number, program, tensor_parts, text
from tinygrad_cnn.serialization import get_unsafe_globals_in_checkpoint, load
from tinygrad_cnn.vision.datasets._python2 import read_python2_pickle

REFUSED = (pickle.UnpicklingError, RuntimeError)

NAMES = {
    "os": "system popen execv putenv",
    "posix": "system",
    "nt": "system",
    "subprocess": "Popen call run",
    "builtins": "eval exec compile open __import__ getattr setattr type map input",
    "__builtin__": "eval apply",
    "importlib": "import_module",
    "imp": "load_source",
    "runpy": "run_path",
    "socket": "socket create_connection",
    "urllib.request": "urlopen",
    "webbrowser": "open",
    "pty": "spawn",
    "ctypes": "CDLL",
    "shutil": "rmtree",
    "pathlib.Path": "unlink",
    "code": "interact",
    "timeit": "timeit",
    "pdb": "run",
    "functools": "partial reduce",
    "operator": "attrgetter methodcaller",
    "types": "FunctionType CodeType",
    "marshal": "loads",
    "pickle": "loads _loads",
    "copyreg": "_reconstructor __newobj__ add_extension",
    "copy_reg": "_reconstructor",
    "numpy": "load zeros ndarray",
    "numpy.core.multiarray": "_reconstruct",
    "numpy.testing._private.utils": "runstring",
    "torch": "load",
    "torch.hub": "load",
    "torch.jit": "load",
    "torch.serialization": "add_safe_globals",
    "torch.storage": "_load_from_bytes",
    "torch._utils": "_get_async_or_non_blocking",
    "torch._dynamo.guards.GuardBuilder": "get",
    "torch.utils.collect_env": "run",
    "torch.nn.modules.container": "Sequential",
    "torch._utils._rebuild_tensor_v2": "__globals__",
    "collections.OrderedDict": "fromkeys __reduce__",
    "torch.Tensor": "numpy",
    "torch.Size": "__class__",
    "builtins.set": "__init__",
    "collections.Counter.__class__": "__mro__",
    "tinygrad_cnn": "load",
    "tinygrad_cnn.serialization.allowlist": "_user_globals",
}
CALLS = [f"{module}.{last}" for module, names in NAMES.items() for last in names.split()]


@pytest.fixture
def read(tmp_path):
    """Every way to read a pickle."""

    def cifar(pickled):
        (tmp_path / "batch").write_bytes(pickled)
        return read_python2_pickle(tmp_path / "batch")

    return {
        "zip": lambda pickled: load(io.BytesIO(archive(pickled))),
        "legacy": lambda pickled: load(io.BytesIO(legacy(pickled))),
        "legacy, first": lambda pickled: load(io.BytesIO(pickled)),
        "CIFAR": cifar,
    }


@pytest.mark.parametrize("function", CALLS)
def test_calls_are_refused_by_name(read, function):
    module, _, last = function.rpartition(".")
    shown = function.removeprefix("__builtin__.").removeprefix("builtins.").replace("copy_reg", "copyreg")
    for way, reader in read.items():
        if way == "CIFAR" and module.startswith("numpy") and last in ("_reconstruct", "ndarray"):
            shown = "not allowed"
        with pytest.raises(pickle.UnpicklingError) as error:
            reader(program(call(name(module, last), text("exit 1"))))
        assert shown in str(error.value), way
    unsafe = get_unsafe_globals_in_checkpoint(io.BytesIO(archive(program(call(name(module, last))))))
    assert [found.removeprefix("builtins.") for found in unsafe] in ([shown], [function])


ENCODE = name("_codecs", "encode")
COMMAND = pickle.BINUNICODE + struct.pack("<I", 4) + b"true"

OPCODES = {
    "inst": (pickle.MARK, COMMAND, pickle.INST, b"os\nsystem\n"),
    "obj": (pickle.MARK, ENCODE, COMMAND, pickle.OBJ),
    "newobj": (ENCODE, COMMAND, pickle.TUPLE1, pickle.NEWOBJ),
    "newobj_ex": (ENCODE, COMMAND, pickle.TUPLE1, pickle.EMPTY_DICT, pickle.NEWOBJ_EX),
    "stack_global": (text("os"), text("system"), pickle.STACK_GLOBAL),
    "short_binunicode and stack_global": (pickle.SHORT_BINUNICODE + b"\2os", text("system"), pickle.STACK_GLOBAL),
    "ext1": (pickle.EXT1, b"\1"),
    "ext2": (pickle.EXT2, b"\1\0"),
    "ext4": (pickle.EXT4, b"\1\0\0\0"),
    "persid": (pickle.PERSID, b"os.system\n"),
    "next_buffer": (pickle.NEXT_BUFFER,),
    "readonly_buffer": (COMMAND, pickle.READONLY_BUFFER),
    "bytearray8": (pickle.BYTEARRAY8, struct.pack("<Q", 2**62)),
    "binbytes8": (pickle.BINBYTES8, struct.pack("<Q", 2**62)),
    "binunicode8": (pickle.BINUNICODE8, struct.pack("<Q", 2**62)),
    "long4": (pickle.LONG4, struct.pack("<i", 2**31 - 1)),
    "frame": (pickle.FRAME, struct.pack("<Q", 2**62)),
    "int in digits": (pickle.INT, b"9" * 100_000 + b"\n"),
    "string to evaluate": (pickle.STRING, b"'\\x41' + __import__('os').name\n"),
    "get by text": (pickle.GET, b"0\n"),
    "put by text": (COMMAND, pickle.PUT, b"99999999999\n"),
    "dup": (COMMAND, pickle.DUP),
    "pop": (COMMAND, pickle.POP),
    "memoize": (COMMAND, pickle.MEMOIZE),
    "frozenset": (pickle.MARK, pickle.FROZENSET),
    "additems": (pickle.EMPTY_SET, pickle.MARK, pickle.ADDITEMS),
}


@pytest.mark.parametrize("case", OPCODES)
def test_instructions_that_no_checkpoint_needs_are_refused(read, case):
    for reader in read.values():
        with pytest.raises(REFUSED, match=r"Unsupported operand|not allowed|no use for|names|Can only create"):
            reader(program(*OPCODES[case]))


TENSOR, PARAMETER = name("torch._utils", "_rebuild_tensor_v2"), name("torch.nn.parameter", "Parameter")
OBJECT = call(name("torch._utils", "_rebuild_parameter"), tensor_parts(), pickle.NEWTRUE, pickle.NONE)


def attribute(key, value):
    return pickle.EMPTY_DICT + text(key) + value + pickle.SETITEM


TRICKS = {
    "build on a function": (TENSOR, attribute("__code__", pickle.NONE), pickle.BUILD),
    "build on a class": (PARAMETER, attribute("__reduce__", pickle.NONE), pickle.BUILD),
    "build on a parameter": (OBJECT, attribute("_array", pickle.NONE), pickle.BUILD),
    "build with slots": (OBJECT, pickle.NONE, attribute("_array", pickle.NONE), pickle.TUPLE2, pickle.BUILD),
    "build on a list": (pickle.EMPTY_LIST, attribute("__class__", pickle.NONE), pickle.BUILD),
    "build on a device": (
        call(name("torch", "device"), text("cpu")),
        attribute("type", text("x")),
        pickle.BUILD,
    ),
    "a function as a class": (TENSOR, pickle.EMPTY_TUPLE, pickle.NEWOBJ),
    "an object as a class": (OBJECT, pickle.EMPTY_TUPLE, pickle.NEWOBJ),
    "a tensor class": (name("torch", "Tensor"), pickle.EMPTY_TUPLE, pickle.NEWOBJ),
    "a tensor class called": (name("torch", "Tensor"), pickle.EMPTY_TUPLE, pickle.REDUCE),
    "an object called": (OBJECT, pickle.EMPTY_TUPLE, pickle.REDUCE),
    "a result called": (call(name("builtins", "set")), pickle.EMPTY_TUPLE, pickle.REDUCE),
    "attributes of a tensor made by a set": (
        call(
            name("torch._tensor", "_rebuild_from_type_v2"),
            *(name("builtins", "set"), name("torch", "Tensor"), pickle.EMPTY_TUPLE, attribute("x", pickle.NONE)),
        ),
    ),
    "attributes of a dictionary": (
        call(
            name("torch._tensor", "_rebuild_from_type_v2"),
            *(TENSOR, name("collections", "OrderedDict"), pickle.EMPTY_TUPLE, attribute("x", pickle.NONE)),
        ),
    ),
    "an offset that is a string": (
        call(
            TENSOR,
            *(pickle.MARK, text("storage"), name("torch", "FloatStorage"), text("0"), text("cpu"), number(4)),
            *(pickle.TUPLE, pickle.BINPERSID, text("0"), number(4), pickle.TUPLE1, number(1), pickle.TUPLE1),
            *(pickle.NEWFALSE, call(name("collections", "OrderedDict"))),
        ),
    ),
    "tensors around tensors": (
        call(
            name("torch._tensor", "_rebuild_from_type_v2"),
            name("torch._tensor", "_rebuild_from_type_v2"),
            *(name("torch", "Tensor"), pickle.EMPTY_TUPLE, attribute("x", pickle.NONE)),
        ),
    ),
    "a storage id with a function": (pickle.MARK, text("storage"), TENSOR, *[text("0")] * 3, pickle.TUPLE, b"Q"),
    "a storage id with a list as key": (
        *(pickle.MARK, text("storage"), name("torch", "FloatStorage"), pickle.EMPTY_LIST, text("cpu"), number(4)),
        *(pickle.TUPLE, pickle.BINPERSID),
    ),
    "a module id": (pickle.MARK, text("module"), ENCODE, text("a"), text("b"), pickle.TUPLE, pickle.BINPERSID),
    "an id that is a number": (number(7), pickle.BINPERSID),
    "bytes as bools": (
        call(
            name("torch._utils", "_rebuild_tensor_v3"),
            *(pickle.MARK, text("storage"), name("torch.storage", "UntypedStorage"), text("0"), text("cpu")),
            *(number(16), pickle.TUPLE, pickle.BINPERSID, number(0), number(16), pickle.TUPLE1, number(1)),
            *(pickle.TUPLE1, pickle.NEWFALSE, pickle.NONE, name("torch", "bool")),
        ),
    ),
}


@pytest.mark.parametrize("case", TRICKS)
def test_tricks_with_what_is_allowed_are_refused(case):
    with pytest.raises(REFUSED):
        load(io.BytesIO(archive(program(*TRICKS[case]), [bytes(16)])))


def test_attributes_cannot_replace_what_a_tensor_consists_of():
    for key in ("_array", "__class__", "shape", "backward", "__reduce_ex__", "data", "grad"):
        tensor = call(
            name("torch._tensor", "_rebuild_from_type_v2"),
            *(TENSOR, name("torch", "Tensor"), tensor_parts()[len(TENSOR) : -1], attribute(key, text("x"))),
        )
        found = load(io.BytesIO(archive(program(tensor), [bytes(16)])))
        assert found.tolist() == [0.0] * 4 and vars(found).keys() == {"_array"}, key
