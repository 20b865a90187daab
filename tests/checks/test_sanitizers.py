"""The check under sanitizers: what counts as a finding, and the copy with a fault. No build, which takes minutes."""

from __future__ import annotations

import argparse

import pytest

from checks import _sanitized, sanitizers
from checks._built import Copy, copied

REPORT = """
=================================================================
==7==ERROR: LeakSanitizer: detected memory leaks

Direct leak of 56 byte(s) in 1 object(s) allocated from:
    #0 0x7f in __interceptor_malloc
    #1 0x55 in _PyObject_GC_New Modules/gcmodule.c:2280

Direct leak of 640 byte(s) in 1 object(s) allocated from:
    #0 0x7f in posix_memalign
    #1 0x7f in tc_system_alloc core/alloc_system.c:30

SUMMARY: AddressSanitizer: 696 byte(s) leaked in 2 allocation(s).
"""


def test_leaks_of_the_core_are_told_from_those_of_python():
    (leak,) = sanitizers.lost_blocks([REPORT])
    assert "640 byte(s)" in leak
    assert sanitizers.lost_blocks(["==8==LeakSanitizer has encountered a fatal error.\n"])


def test_reports_but_for_refused_requests_are_findings(tmp_path):
    copy = Copy(tmp_path)
    warning = "==9==WARNING: AddressSanitizer failed to allocate 0x4000000000040 bytes\n"
    for process, text in {
        "1": warning,
        "2": warning + "core/copy.c:7: runtime error: signed integer overflow\n",
    }.items():
        (_sanitized.reports(copy) / f"report.{process}").write_text(text)
    assert _sanitized.findings(copy) == ["core/copy.c:7: runtime error: signed integer overflow\n"]
    assert _sanitized.findings(copy) == []


def test_a_compiler_without_the_sanitizer_is_said_aloud(tmp_path):
    arguments = argparse.Namespace(compiler="no-such-compiler", sanitizer="thread")
    outcome = sanitizers.thread(arguments, Copy(tmp_path))
    assert outcome.passed and outcome.figures.startswith("SKIPPED") and outcome.part == "thread"


def test_faults_are_put_into_the_copy_and_taken_out(monkeypatch, tmp_path):
    with copied(str(tmp_path)) as copy:
        built: list[str] = []
        for source, old, new in [*sanitizers.LEAKS, sanitizers.SHORT_BUFFER, sanitizers.NO_LOCK]:
            file = copy.tree / "core" / source
            before = file.read_text()
            monkeypatch.setattr(copy, "build", lambda *_, file=file: built.append(file.read_text()))
            with copy.fault(source, old, new):
                pass
            assert built.pop() == before.replace(old, new) != before == file.read_text()
        with pytest.raises(LookupError, match="0 places"), copy.fault("copy.c", "no such line", ""):
            pass
