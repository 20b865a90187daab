"""Every exception that the package raises has a message: words, and the value or the argument that was wrong.

The package is read, not run; what each message says is in the tables of tests/bad_input. Exceptions are made where they
are raised, or by a function whose name says what is wrong (`broadcast_error`), which is read as well.
"""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

import tinygrad_cnn as torch
from tinygrad_cnn.autograd import deferred, operation
from tinygrad_cnn.autograd.node import Node
from tinygrad_cnn.nn.modules import container
from tinygrad_cnn.nn.utils import prune_methods
from tinygrad_cnn.ops import elementwise
from tinygrad_cnn.optim import SGD, Optimizer, _rule
from tinygrad_cnn.optim.lr_scheduler import LRScheduler
from tinygrad_cnn.utils.data import Sampler
from tinygrad_cnn.utils.data._utils import iterator
from tinygrad_cnn.vision.datasets import VisionDataset
from tinygrad_cnn.vision.models._inception import Branches
from tinygrad_cnn.vision.transforms import RandomTransforms, v2
from tinygrad_cnn.vision.transforms._arguments import WithProbability
from tinygrad_cnn.vision.transforms.v2._mixing import _Mixing

PACKAGE = Path(torch.__file__).parent
# Raised for the interpreter, which asks for no words.
SILENT = {"StopIteration", "SystemExit"}
FEWEST_WORDS = 3


def exception(node):
    """Return the name of the exception that an expression makes, None for another expression."""
    function = node.func if isinstance(node, ast.Call) else node
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    kind = getattr(builtins, name, None)
    built_in = isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, Warning)
    return name if (built_in or (name[:1].isupper() and name.endswith("Error"))) and name not in SILENT else None


def fault(made):
    """Return what is wrong with the message of an exception, None when it has words or takes them from elsewhere."""
    if not isinstance(made, ast.Call) or not made.args:
        return "no message"
    message = made.args[0]
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    if not all(isinstance(part, (ast.Constant, ast.FormattedValue)) for part in parts):
        return None
    words = " ".join(str(part.value) for part in parts if isinstance(part, ast.Constant)).split()
    values = any(isinstance(part, ast.FormattedValue) for part in parts)
    return None if len(words) >= (1 if values else FEWEST_WORDS) else "too few words, and no value"


def faults(tree):
    """Return the lines of a file where an exception says too little, with what is wrong."""
    handled, found = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            handled.update(id(inner) for inner in ast.walk(node) if isinstance(inner, ast.Raise))
        if isinstance(node, ast.Raise) and node.exc is None and id(node) not in handled:
            found[node.lineno] = "a bare raise outside of except"
        made = node.exc if isinstance(node, ast.Raise) else node if isinstance(node, ast.Call) else None
        if exception(made) and (problem := fault(made)):
            found[node.lineno] = problem
    return found


def test_every_exception_has_a_message():
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for line, problem in faults(ast.parse(text)).items():
            found.append(f"{path.relative_to(PACKAGE)}:{line}: {problem}: {text.splitlines()[line - 1].strip()}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("raise ValueError", "no message"),
        ("raise ValueError()", "no message"),
        ("raise ValueError('bad size')", "too few words, and no value"),
        ("raise ValueError(f'{size}')", "too few words, and no value"),
        ("return pickle.UnpicklingError('no')", "too few words, and no value"),
        ("raise", "a bare raise outside of except"),
        ("raise ValueError(f'bad {size}')", None),
        ("raise ValueError('size has to be positive')", None),
        ("raise ValueError(message)", None),
        ("raise StopIteration", None),
        ("raise wrong_size(4)", None),
        ("try: pass\nexcept OSError: raise", None),
    ],
)
def test_exceptions_that_say_too_little_are_found(code, found):
    assert faults(ast.parse(code)) == ({1: found} if found else {})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Optimizer([torch.zeros(1)], {}).step(), "step(), and Optimizer does not"),
        (lambda: LRScheduler(SGD([torch.zeros(1)], 0.1)), "get_lr(), and LRScheduler does not"),
        (lambda: iter(Sampler()), "__iter__(), and Sampler does not"),
        (lambda: VisionDataset()[0], "__getitem__(), and VisionDataset does not"),
        (lambda: len(VisionDataset()), "__len__(), and VisionDataset does not"),
        (lambda: RandomTransforms([])(0), "__call__(), and RandomTransforms does not"),
        (lambda: v2.Transform()(torch.zeros(1)), "transform(), and Transform does not"),
    ],
)
def test_what_a_subclass_has_to_define_is_said(call, message):
    with pytest.raises(NotImplementedError) as caught:
        call()
    assert str(caught.value) == f"a subclass has to define {message}"


# Base classes inside of the package, and what their subclasses define.
BASES = [
    (deferred.Task, "run", False),
    (deferred.Deferrable, "prepare"),
    (Node, "run", []),
    (operation.Operation, "forward"),
    (operation.ViewOperation, "view", None),
    (operation.ViewOperation, "remember", None),
    (elementwise.OfInput, "slope", None),
    (elementwise.OfOutput, "pull", None, None),
    (prune_methods._Unstructured, "_scores", None),
    (prune_methods._Structured, "_kept", None, 1, 1),
    (iterator._BaseDataLoaderIter, "_next_data"),
    (container._Listed, "__getitem__", 0),
    (_rule.RuleOptimizer, "_numbers", None, None),
    (Branches, "_forward", None),
    (WithProbability, "change", None),
    (_Mixing, "_mix", None),
]


@pytest.mark.parametrize(("kind", "name", "args"), [(kind, name, args) for kind, name, *args in BASES])
def test_what_a_class_of_ours_lacks_is_said(kind, name, args):
    with pytest.raises(
        NotImplementedError, match=rf"a subclass has to define {name}\(\), and {kind.__name__} does not"
    ):
        getattr(kind.__new__(kind), name)(*args)


def test_an_operation_without_a_derivative_is_named():
    with pytest.raises(NotImplementedError, match="derivative for OperationBackward0 is not implemented"):
        operation.Operation.__new__(operation.Operation).backward(None)
