"""An unpickler that can only build data: the opcodes that PyTorch's files use, and only the names on the allow-list.

Python's own unpickler calls what a file tells it to call; restricting its names is not enough, since BUILD sets
attributes of whatever was named. This one is a stack machine of about thirty instructions, each of which checks what it
is applied to. Damaged input gives pickle.UnpicklingError or, if it just ends, EOFError, as Python's does.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import IO, Any, ClassVar

from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.serialization import allowlist
from tinygrad_cnn.serialization.budget import Budget, brief

__all__ = ["Unpickler", "globals_of"]

# Names of Python 2, which protocol 2 writes for Python 3's.
_PYTHON2_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}

# What an instruction raises when it is applied to what it was not made for.
_DAMAGE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, struct.error)

_CHUNK = 1 << 20

Instruction = Callable[["Unpickler"], None]


class Unpickler:
    """Reads one pickle. persistent_load: turns the ids of storages into storages.

    `load` raises pickle.UnpicklingError for what is damaged or not allowed, EOFError for what ends between two
    instructions; exceptions of persistent_load pass through.
    """

    instructions: ClassVar[dict[int, Instruction]] = {}

    def __init__(self, file: IO[bytes], persistent_load: Callable[[Any], Any]) -> None:
        self._file = file
        self._persistent_load = persistent_load
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._budget = Budget()

    def load(self) -> Any:
        """Run the program and return what it leaves on the stack."""
        while True:
            code = self._file.read(1)
            if not code:
                raise EOFError("Ran out of input")
            self._budget.bytes += 1
            opcode = code[0]
            if opcode == pickle.STOP[0]:
                return self._pop()
            if opcode == pickle.BINPERSID[0]:
                # Apart from the others, whose exceptions are taken for damage of the pickle.
                self._push(self._persistent_load(self._pop()))
                continue
            instruction = self.instructions.get(opcode)
            if instruction is None:
                raise pickle.UnpicklingError(f"Unsupported operand {opcode}")
            try:
                instruction(self)
            except _DAMAGE as error:
                raise pickle.UnpicklingError(f"damaged data: {type(error).__name__}: {error}") from error

    # ---------------------------------------------------------------- parts of instructions

    def _read(self, count: int) -> bytes:
        data = self._file.read(min(count, _CHUNK))
        if count > _CHUNK:  # a file may claim more than it has, and `read` would ask for that much memory
            pieces = [data]
            while pieces[-1] and (left := count - sum(map(len, pieces))):
                pieces.append(self._file.read(min(left, _CHUNK)))
            data = b"".join(pieces)
        if len(data) != count:
            raise pickle.UnpicklingError("pickle data was truncated")
        self._budget.bytes += count
        return data

    def _unpack(self, form: str) -> Any:
        return struct.unpack(form, self._read(struct.calcsize(form)))[0]

    def _pop(self) -> Any:
        if not self._stack:
            raise pickle.UnpicklingError("unexpected end of the stack")
        return self._stack.pop()

    def _pop_mark(self) -> list[Any]:
        if not self._marks:
            raise pickle.UnpicklingError("could not find MARK")
        items = self._stack
        self._stack = self._marks.pop()
        return items

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _name(self) -> str:
        lines = [self._file.readline() for _ in range(2)]
        self._budget.bytes += sum(map(len, lines))
        module, name = (line[:-1].decode() for line in lines)
        return f"{_PYTHON2_MODULES.get(module, module)}.{name}"

    # ---------------------------------------------------------------- instructions with a check

    def do_global(self) -> None:
        """Push what an allowed name means."""
        name = self._name()
        try:
            self._push(allowlist.find(name))
        except KeyError:
            shown = name.removeprefix("builtins.")
            raise pickle.UnpicklingError(
                f"Unsupported global: GLOBAL {shown} was not an allowed global by default. Please use "
                f"`torch.serialization.add_safe_globals([{shown}])` or the "
                f"`torch.serialization.safe_globals([{shown}])` context manager to allowlist this global if you trust "
                "this class/function."
            ) from None

    def do_reduce(self) -> None:
        """Call an allowed function."""
        arguments, function = self._pop(), self._pop()
        ours = allowlist.CALLABLE.get(id(function))
        if ours is None and not allowlist.is_user_global(function):
            raise pickle.UnpicklingError(f"Trying to call reduce for unrecognized function {brief(function)}")
        if not isinstance(arguments, tuple):
            raise pickle.UnpicklingError("REDUCE needs a tuple of arguments")
        if ours is None:
            self._push(function(*arguments))
            return
        for argument in arguments:
            self._budget.charge_copy(argument)
        if function in allowlist.HASHING and arguments:
            self._budget.charge_keys(allowlist.keys_of(arguments[0]))
        self._push(ours(*arguments))

    def do_newobj(self) -> None:
        """Make an object of an allowed class."""
        arguments, cls = self._pop(), self._pop()
        if type(arguments) is not tuple:
            raise pickle.UnpicklingError("NEWOBJ needs a tuple of arguments")
        if cls is Parameter:
            self._push(Parameter(*arguments))
        elif cls in (OrderedDict, Counter, set) or (isinstance(cls, type) and allowlist.is_user_global(cls)):
            self._push(cls.__new__(cls, *arguments))
        else:
            raise pickle.UnpicklingError(
                "Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` but got "
                f"{brief(cls)}"
            )

    def do_build(self) -> None:
        """Give an object its attributes."""
        state = self._pop()
        target = self._stack[-1]
        if type(target) is OrderedDict:
            if type(state) is not dict:
                raise pickle.UnpicklingError(f"the attributes of an OrderedDict are a {type(state).__name__}")
            self._budget.charge_copy(state)
            target.__dict__.update(state)
        elif isinstance(target, type) or not allowlist.is_user_global(type(target)):
            raise pickle.UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got "
                f"{type(target)}"
            )
        elif hasattr(target, "__setstate__"):
            target.__setstate__(state)
        else:
            slots = None
            if isinstance(state, tuple) and len(state) == 2:
                state, slots = state
            target.__dict__.update(state or {})
            for name, value in (slots or {}).items():
                setattr(target, name, value)

    def do_extend(self, items: list[Any]) -> None:
        """Append to a list."""
        target = self._stack[-1]
        if type(target) is not list:
            raise pickle.UnpicklingError(f"Can only extend lists, but got {type(target)}")
        target.extend(items)

    def do_set_items(self, items: list[Any]) -> None:
        """Set keys of a dictionary."""
        target = self._stack[-1]
        if type(target) not in (dict, OrderedDict, Counter) and not allowlist.is_user_global(type(target)):
            raise pickle.UnpicklingError(f"Can only set items of dictionaries, but got {type(target)}")
        self._budget.charge_keys(items[::2])
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[key] = value

    def do_tuple(self, count: int) -> None:
        """Join the last `count` values."""
        if len(self._stack) < count:
            raise pickle.UnpicklingError("unexpected end of the stack")
        items = self._stack[-count:]
        del self._stack[-count:]
        self.push_tuple(items)

    def push_tuple(self, items: list[Any]) -> None:
        """Push a tuple."""
        value = tuple(items)
        if value:
            self._budget.note_tuple(value)
        self._push(value)

    def do_mark(self) -> None:
        """Begin a new stack above the present one."""
        self._marks.append(self._stack)
        self._stack = []

    def do_text(self) -> None:
        """Push a string."""
        self._push(str(self._read(self._unpack("<I")), "utf-8", "surrogatepass"))

    def do_protocol(self) -> None:
        """Check the number of the protocol."""
        protocol = self._read(1)[0]
        if protocol != 2:
            raise pickle.UnpicklingError(
                f"Detected pickle protocol {protocol} in the checkpoint, which was not the default pickle protocol (2) "
                "and which only weights_only=False can read"
            )

    def put(self, index: int) -> None:
        """Remember the last value."""
        self._memo[index] = self._stack[-1]

    def get(self, index: int) -> None:
        """Push a remembered value."""
        self._push(self._memo[index])


def globals_of(pickled: bytes) -> set[str]:
    """Return the full names that a pickle mentions, without running it; UnpicklingError if it is damaged."""
    import pickletools

    names: set[str] = set()
    try:
        for opcode, argument, _ in pickletools.genops(pickled):
            if opcode.name == "GLOBAL":
                module, name = str(argument).split(" ", 1)
                names.add(f"{_PYTHON2_MODULES.get(module, module)}.{name}")
            elif opcode.code.encode("latin-1")[0] not in {*Unpickler.instructions, pickle.STOP[0], pickle.BINPERSID[0]}:
                raise pickle.UnpicklingError(f"Unsupported operand {opcode.name}")
    except ValueError as error:
        raise pickle.UnpicklingError(f"damaged data: {error}") from None
    return names


def _instructions() -> dict[int, Instruction]:
    """Map each opcode to what it does."""
    table: dict[bytes, Instruction] = {
        pickle.PROTO: Unpickler.do_protocol,
        pickle.GLOBAL: Unpickler.do_global,
        pickle.REDUCE: Unpickler.do_reduce,
        pickle.NEWOBJ: Unpickler.do_newobj,
        pickle.BUILD: Unpickler.do_build,
        pickle.MARK: Unpickler.do_mark,
        pickle.APPEND: lambda u: u.do_extend([u._pop()]),
        pickle.APPENDS: lambda u: u.do_extend(u._pop_mark()),
        pickle.SETITEM: lambda u: u.do_set_items([u._pop(), u._pop()][::-1]),
        pickle.SETITEMS: lambda u: u.do_set_items(u._pop_mark()),
        pickle.TUPLE: lambda u: u.push_tuple(u._pop_mark()),
        pickle.TUPLE1: lambda u: u.do_tuple(1),
        pickle.TUPLE2: lambda u: u.do_tuple(2),
        pickle.TUPLE3: lambda u: u.do_tuple(3),
        pickle.EMPTY_TUPLE: lambda u: u._push(()),
        pickle.EMPTY_LIST: lambda u: u._push([]),
        pickle.EMPTY_DICT: lambda u: u._push({}),
        pickle.EMPTY_SET: lambda u: u._push(set()),
        pickle.NONE: lambda u: u._push(None),
        pickle.NEWTRUE: lambda u: u._push(True),
        pickle.NEWFALSE: lambda u: u._push(False),
        pickle.BININT: lambda u: u._push(u._unpack("<i")),
        pickle.BININT1: lambda u: u._push(u._unpack("<B")),
        pickle.BININT2: lambda u: u._push(u._unpack("<H")),
        pickle.LONG1: lambda u: u._push(int.from_bytes(u._read(u._unpack("<B")), "little", signed=True)),
        pickle.BINFLOAT: lambda u: u._push(u._unpack(">d")),
        pickle.BINUNICODE: Unpickler.do_text,
        pickle.SHORT_BINSTRING: lambda u: u._push(u._read(u._unpack("<B")).decode()),
        pickle.BINPUT: lambda u: u.put(u._unpack("<B")),
        pickle.LONG_BINPUT: lambda u: u.put(u._unpack("<I")),
        pickle.BINGET: lambda u: u.get(u._unpack("<B")),
        pickle.LONG_BINGET: lambda u: u.get(u._unpack("<I")),
    }
    return {opcode[0]: instruction for opcode, instruction in table.items()}


Unpickler.instructions = _instructions()
