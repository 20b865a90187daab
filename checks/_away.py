"""Where a check starts programs: not in the folder of the sources, which Python would import instead of the package."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from . import ROOT


def away() -> dict[str, Any]:
    """Return `cwd` and `env` for `subprocess`: this package is found, and `tests` and `checks` behind it."""
    import tinygrad_cnn  # not before: the checks are listed without it, too

    package = Path(tinygrad_cnn.__file__).resolve().parent.parent
    path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", ""), str(ROOT)])
    return {"cwd": tempfile.gettempdir(), "env": os.environ | {"PYTHONPATH": path}}
