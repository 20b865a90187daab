"""The long checks are listed, and their figures find their place in `TESTING.md`."""

from __future__ import annotations

import pytest

from checks.__main__ import listing, main, names
from checks.outcome import Outcome
from checks.record import TESTING, write


def test_every_check_is_listed_with_what_it_does(capsys):
    assert main([]) == 0
    assert listing() in capsys.readouterr().out
    for name, line in zip(names(), listing().splitlines(), strict=True):
        assert line.split(maxsplit=1)[0] == name and line.endswith("."), line
        assert f"<!-- {name}" in TESTING.read_text(), f"TESTING.md has no place for the figures of {name}"


def test_an_unknown_check_is_an_error(capsys):
    assert main(["nothing"]) == 2
    assert "usage" in capsys.readouterr().out


def test_figures_replace_those_of_the_last_run(tmp_path):
    file = tmp_path / "TESTING.md"
    file.write_text("before\n<!-- kills -->\nold\n<!-- end -->\n<!-- kills slow -->\nkept\n<!-- end -->\n")
    write("kills", "python -m checks kills", 90, Outcome(True, "1,000 kills \\1 each"), file)
    text = file.read_text()
    assert text.startswith("before\n<!-- kills -->\n`python -m checks kills`, ") and text.endswith(
        "\nkept\n<!-- end -->\n"
    )
    assert "90 s" in text and "passed. 1,000 kills \\1 each\n<!-- end -->" in text and "old" not in text
    write("kills", "command", 7200, Outcome(False, "one lost", "slow"), file)
    assert "120 min" in file.read_text() and "failed. one lost" in file.read_text() and "kept" not in file.read_text()
    with pytest.raises(LookupError, match="leaks"):
        write("leaks", "command", 1, Outcome(True, ""), file)
