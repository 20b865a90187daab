"""Coverage-guided fuzzing of one reader, by libFuzzer: run as a process of its own with libFuzzer's arguments.

Needs the package atheris (`pip install atheris`), which brings libFuzzer and counts the branches of Python code.
"""

from __future__ import annotations

import gc
import importlib
import resource
import sys
from types import FunctionType

from .formats import FORMATS
from .guard import run

MEMORY = 3 << 30  # of the process's address space: what asks for more than that ends in MemoryError, which is a finding
SERIALIZATION = ("allowlist", "archive", "budget", "legacy", "location", "reader", "storage", "trusting", "unpickler")
WATCHED = {
    *(f"tinygrad_cnn.serialization.{name}" for name in SERIALIZATION),
    *("tinygrad_cnn.vision.datasets.idx", "tinygrad_cnn.vision.datasets._python2", "tinygrad_cnn.utils.safetensors"),
    *("zipfile", "zipfile._path", "gzip", "_compression"),
}


def main(name: str, arguments: list[str]) -> None:
    """Fuzz until libFuzzer's limits; it ends the process with a status other than 0 when it has found something."""
    atheris = importlib.import_module("atheris")
    form = FORMATS[name]
    for seed in form.seeds:
        run(form, seed, measured=False)  # imports what is imported late
    # Function by function: atheris takes whole packages only, and counting all of this one would slow it down.
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__module__ in WATCHED:
            atheris.instrument_func(function)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    atheris.Setup([sys.argv[0], *arguments], lambda data: run(form, data, measured=False) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
