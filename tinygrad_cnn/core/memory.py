"""Arrays in memory of our own: NumPy takes it from the core's caching allocator itself (NEP 49).

NumPy finds the functions that an array's memory comes from in a context variable, which only its C interface can set.
It is set in one `contextvars.Context`, so the arrays of the program around us stay with the allocator that they had.
"""

from __future__ import annotations

import contextvars
import ctypes

from numpy._core import _multiarray_umath  # type: ignore[attr-defined]

# Where NumPy's table of C functions, which never changes its order, has PyDataMem_SetHandler.
_SET_HANDLER = 304


def context_of(handler: int, capsule: int) -> contextvars.Context:
    """Return a context in which new arrays take their memory from the `PyDataMem_Handler` at address `handler`.

    `capsule` is the address of the name of the capsule that it goes in.
    """
    table_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    capsule_of = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
        ("PyCapsule_New", ctypes.pythonapi)
    )
    table = ctypes.cast(table_of(_multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[_SET_HANDLER] or 0)
    context = contextvars.Context()
    context.run(set_handler, capsule_of(handler, capsule, None))
    return context
