"""Workloads for tests of the harness; their process imports this module."""

from __future__ import annotations

import os


def counting(library, threads, path):
    """Write a letter for each call to a file."""

    def run():
        with open(path, "a", encoding="utf-8") as file:
            file.write("x")

    return run


def raising(library, threads):
    """Refuse to be set up."""
    raise ValueError("not today")


def dying(library, threads):
    """End the process."""
    os._exit(3)


def dying_later(library, threads, path):
    """End the process in the fifth call."""
    count = [0]

    def run():
        count[0] += 1
        if count[0] == 5:
            os._exit(3)

    return run


def pid(library, threads, path):
    """Write the process's id and number of threads to a file."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {library.module.get_num_threads()}\n")
    return lambda: None
