"""Running programs that import torch with tinygrad_cnn in its place, whether PyTorch is installed or not."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def run(*arguments, folder, environment=None, status=0):
    """Run `python arguments...` in a folder; return what it prints and its errors."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def run_script(folder, text, *arguments, status=0, **options):
    """Run a script by `python -m tinygrad_cnn --force`."""
    write(folder, "script.py", text)
    return run("-m", "tinygrad_cnn", "--force", "script.py", *arguments, folder=folder, status=status, **options)


def with_pytorch(folder):
    """Return an environment in which some package torch is installed."""
    write(folder, "installed/torch/__init__.py", "__version__ = '1.2.3'\n")
    path = os.pathsep.join(filter(None, [str(folder / "installed"), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path}
