"""Write `docs/operators.md`: every operation that is compared with PyTorch's own inputs, and in which forms.

`python -m tools.operators` (with torch==2.13.0 and expecttest, from the repository's root). What it lists is what
`tests/parity/test_operators.py` tests; the reasons of what is left out stand in `tests/parity/differences.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tinygrad_cnn as tc
from tests.parity.differences import ABSENT, DIFFERENT, why_absent
from tests.parity.operators import BY_TITLE, dtypes_of, resolve

ROOT = Path(__file__).resolve().parent.parent


def row(title: str, op: Any) -> str:
    """Return a line of the table."""
    method = getattr(op.method_variant, "__name__", None)
    inplace = getattr(op.inplace_variant, "__name__", None)
    forms = ["function"] if resolve(tc, op.name) is not None else []
    forms += ["method"] if method and hasattr(tc.Tensor, method) else []
    forms += ["in place"] if inplace and hasattr(tc.Tensor, inplace) else []
    forms += ["out="] if op.supports_out else []
    dtypes = ", ".join(str(dtype).removeprefix("torch.") for dtype in dtypes_of(op))
    orders = 0 if not op.supports_autograd else 2 if op.supports_gradgrad else 1
    return f"| {title} | {', '.join(forms)} | {dtypes} | {orders} |"


def document() -> str:
    """Return the whole document."""
    titles = [title for title in BY_TITLE if why_absent(title) is None]
    lines = [
        "# Operations, compared with PyTorch's own inputs\n",
        f"Written by `tools/operators.py`: {len(titles)} of the {len(BY_TITLE)} entries of PyTorch 2.13's list of "
        "operations (OpInfo).\nEach is tested on PyTorch's own sample inputs: results in every dtype named here, all "
        "forms, gradients up\nto the order named here in float64, and what bad inputs raise "
        "(`tests/parity/test_operators.py`).\n",
        "| operation | forms | dtypes | gradients to order |\n|---|---|---|---|",
    ]
    lines += [row(title, BY_TITLE[title]) for title in sorted(titles, key=str.lower)]
    lines += ["\n## What is left out\n", "| operations (regular expression) | why |\n|---|---|"]
    lines += [f"| `{pattern.replace('|', chr(92) + '|')}` | {reason} |" for pattern, reason in ABSENT.items()]
    lines += ["\n## What differs\n", "| operations | check | why |\n|---|---|---|"]
    for (names, check), reason in DIFFERENT.items():
        cells = [f"`{cell.replace('|', chr(92) + '|')}`" for cell in (names, check)]
        lines.append(f"| {cells[0]} | {cells[1]} | {reason} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the document."""
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "operators.md").write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
