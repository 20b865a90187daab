"""Write what type checkers read of the operations' forms: `tinygrad_cnn/functions.pyi` and `tinygrad_cnn/methods.pyi`.

At run time both modules take what `@public` describes beside the operations (`tinygrad_cnn/ops/forms.py`); a type
checker runs nothing, so it reads these lists. `python tools/stubs.py` writes them anew; a test holds that they are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinygrad_cnn.ops import forms, load

PACKAGE = Path(__file__).resolve().parent.parent / "tinygrad_cnn"
WRITTEN = "# Written by tools/stubs.py from what stands beside the operations: change that, not this.\n"


def _origin(name: str) -> tuple[str, str]:
    module, function = forms.ORIGINS[name]
    return module.removeprefix("tinygrad_cnn."), function


def functions() -> str:
    """Return the stub of `functions.py`: every function from the module that it stands in."""
    lines = []
    for name in sorted(forms.FUNCTIONS):
        module, function = _origin(name)
        lines.append(f"from .{module} import {function} as {name}\n")
    return WRITTEN + "".join(sorted(lines))


def methods() -> str:
    """Return the stub of `methods.py`: every method by the function that it is."""
    origins = {name: _origin(name) for name in sorted(forms.METHODS)}
    imports = [f"from . import {m.removeprefix('ops.')} as _{m.removeprefix('ops.')}\n" for m, _ in origins.values()]
    imports = [line.replace("from . import", "from .ops import") for line in imports]
    body = [f"    {name} = _{module.removeprefix('ops.')}.{function}\n" for name, (module, function) in origins.items()]
    return f"{WRITTEN}{''.join(sorted(set(imports)))}\nclass Methods:\n{''.join(body)}\ndef install() -> None: ...\n"


STUBS: dict[str, Callable[[], str]] = {"functions.pyi": functions, "methods.pyi": methods}


def main(folder: Any = PACKAGE) -> None:
    """Write the stubs."""
    load()
    for name, text in STUBS.items():
        (Path(folder) / name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
