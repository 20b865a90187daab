"""Run programs one after the other in this interpreter, each as `python program.py` would, and report what they print.

Under PyTorch: `python run_programs.py a.py b.py`; under this package: `python -m tinygrad_cnn --force run_programs.py
a.py b.py`. Writes one line of JSON for each program: its path, what it printed in JSON, seconds, and its traceback.
"""

import contextlib
import io
import json
import os
import runpy
import sys
import tempfile
import time
import traceback


def run(path):
    """Run one program in a folder of its own."""
    printed, error = io.StringIO(), None
    start, home = time.perf_counter(), os.getcwd()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(printed):
        os.chdir(folder)
        sys.argv = [path]
        try:
            runpy.run_path(path, run_name="__main__")
        except (Exception, SystemExit):
            error = traceback.format_exc()
        finally:
            os.chdir(home)
    lines = [json.loads(line) for line in printed.getvalue().splitlines() if line.startswith("{")]
    return {"program": path, "lines": lines, "seconds": time.perf_counter() - start, "error": error}


if __name__ == "__main__":
    for program in sys.argv[1:]:
        print(json.dumps(run(os.path.abspath(program))), flush=True)
