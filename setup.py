"""Only what pyproject.toml cannot say: the core is a cffi module, and one wheel serves CPython 3.10 and later."""

import sys
import sysconfig
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).resolve().parent))  # a build front end does not put this folder on the path

from build_core import BuildExt

# Free-threaded interpreters have no stable ABI before 3.15; they get a wheel of their own.
abi3 = {} if sysconfig.get_config_var("Py_GIL_DISABLED") else {"bdist_wheel": {"py_limited_api": "cp310"}}

setup(cffi_modules=["build_core.py:ffi"], cmdclass={"build_ext": BuildExt}, options=abi3)
