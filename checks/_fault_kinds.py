"""Faults that a program can put into C: where one may go, and what it makes of the text.

C is read as a list of tokens, without comments and directives. Faults go into the bodies of functions; one that does
not compile is none, so the rules below need not understand types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<skip>\s+|/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*)
    | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<number>(?:0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?|\d[\d.]*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)[uUlLfF]*)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<sign><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
EITHER = ["+ -", "<< >>", "& |", "+= -=", "|= &=", "++ --", "< <=", "> >=", "== !=", "&& ||", "* /", "*= /="]
SWAPS = {one: other for pair in EITHER for one, other in (pair.split(), reversed(pair.split()))}
SWAPS |= {"%": "/", "^": "&", "^=": "|="}
KEYWORDS = {"return", "case", "else", "do", "goto", "sizeof", "if", "for", "while", "switch", "break", "continue"}
BLOCKS = {"if", "for", "while", "switch"}
OPENING, CLOSING = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}


@dataclass(frozen=True)
class Token:
    """A piece of C, and where it stands in the text."""

    text: str
    kind: str
    start: int

    @property
    def end(self) -> int:
        """Where the next piece may begin."""
        return self.start + len(self.text)

    @property
    def is_operand(self) -> bool:
        """Whether an operator behind it has it as its left side."""
        return self.kind == "number" or (self.kind == "name" and self.text not in KEYWORDS) or self.text in (")", "]")


@dataclass(frozen=True)
class Change:
    """A fault: what its kind is, and the text that stands at [start, end) in the place of what did."""

    kind: str
    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        """Return the source with the fault."""
        return source[: self.start] + self.text + source[self.end :]


class Code:
    """The tokens of a file, with the partner of each bracket and the tokens that are in functions."""

    def __init__(self, source: str):
        self.source = source
        self.tokens = [
            Token(match.group(), match.lastgroup or "", match.start())
            for match in TOKEN.finditer(source)
            if match.lastgroup != "skip"
        ]
        self.partner: dict[int, int] = {}
        self.inside: list[bool] = []
        self._pair()

    def _pair(self) -> None:
        """Find the brackets' partners; a body is what stands in braces behind a parenthesis at the outermost level."""
        opened: list[int] = []
        body = -1
        for i, token in enumerate(self.tokens):
            if token.text in CLOSING and opened:
                self.partner[i] = opened.pop()
                self.partner[self.partner[i]] = i
                body = -1 if self.partner[i] == body else body
            if token.text == "{" and not opened and self[i - 1] == ")":
                body = i
            if token.text in OPENING:
                opened.append(i)
            self.inside.append(body >= 0 and i != body)

    def __getitem__(self, i: int) -> str:
        """Return the text of a token, "" outside the file."""
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def text(self, first: int, last: int) -> str:
        """Return the source from one token up to, and without, another."""
        return self.source[self.tokens[first].start : self.tokens[last - 1].end]

    def find(self, i: int, ends: set[str]) -> int:
        """Return the first token from i on that is one of `ends` outside brackets, or closes the one around."""
        while i < len(self.tokens) and self[i] not in ends and self[i] not in CLOSING:
            i = self.partner.get(i, i) + 1
        return i

    def is_binary(self, i: int) -> bool:
        """Whether the sign at i has a left side, and is not the star of a declaration or a cast."""
        if not self.tokens[i - 1].is_operand:
            return False
        declares = self.tokens[i - 1].kind == "name" and self[i - 2] in {";", "{", "}", "const", "static", "struct"}
        return not (self[i] == "*" and (declares or self[i + 1] in {")", ",", "const", "*"}))

    def starts_statement(self, i: int) -> bool:
        """Whether an expression statement may begin at i."""
        before = self[i - 1]
        if before == ")":
            return self[self.partner.get(i - 1, 0) - 1] in BLOCKS
        if before == ";" and any(self[j] == "(" for j in self._around(i)):
            return False
        return before in {";", "{", "}", "else", "do"}

    def _around(self, i: int) -> Iterator[int]:
        """Yield the innermost bracket that is open at i."""
        depth = 0
        for j in range(i - 1, -1, -1):
            if self[j] in CLOSING:
                depth += 1
            elif self[j] in OPENING:
                depth -= 1
                if depth < 0:
                    yield j
                    return


Rule = Callable[[Code, int], Iterator[Change]]


def swapped_sign(code: Code, i: int) -> Iterator[Change]:
    """Another operator: + for -, <= for <, and so on."""
    token = code.tokens[i]
    if token.text in SWAPS and (token.text in {"++", "--"} or code.is_binary(i)):
        yield Change(f"{token.text}>{SWAPS[token.text]}", token.start, token.end, SWAPS[token.text])


def dropped_negation(code: Code, i: int) -> Iterator[Change]:
    """No ! or unary minus."""
    token = code.tokens[i]
    if token.text in {"!", "-", "~"} and not code.tokens[i - 1].is_operand:
        yield Change(f"no{token.text}", token.start, token.end, "")


def wrong_constant(code: Code, i: int) -> Iterator[Change]:
    """A whole number one larger or smaller, another one by a hundredth."""
    token = code.tokens[i]
    if token.kind != "number":
        return
    if re.search(r"[.eEpP]", token.text) and not re.match(r"0[xX][\da-fA-F]+[uUlL]*$", token.text):
        yield Change("constant*1.01", token.start, token.end, f"({token.text} * 1.01f)")
        return
    yield Change("constant+1", token.start, token.end, f"({token.text} + 1)")
    yield Change("constant-1", token.start, token.end, f"({token.text} - 1)")


def wrong_index(code: Code, i: int) -> Iterator[Change]:
    """The next element, or the one before."""
    if code[i] != "[" or not code.tokens[i - 1].is_operand or i not in code.partner:
        return
    if code.tokens[i - 2].kind == "name" and code[i - 2] not in KEYWORDS:  # a declaration: `T lanes[VLEN]`
        return
    end = code.tokens[code.partner[i]].start
    yield Change("index+1", end, end, " + 1")
    yield Change("index-1", end, end, " - 1")


def wrong_bound(code: Code, i: int) -> Iterator[Change]:
    """A loop that takes one step more, or one less."""
    if code[i] != "for" or i + 1 not in code.partner:
        return
    condition = code.find(i + 2, {";"}) + 1
    end = code.tokens[code.find(condition, {";"})].start
    if code[condition] != ";":
        yield Change("bound+1", end, end, " + 1")
        yield Change("bound-1", end, end, " - 1")


def dropped_statement(code: Code, i: int) -> Iterator[Change]:
    """No assignment, call, break or continue."""
    token = code.tokens[i]
    if not code.starts_statement(i) or token.text in KEYWORDS - {"break", "continue", "return"} or token.text == "{":
        return
    end = code.find(i, {";"})
    declares = token.kind == "name" and (code.tokens[i + 1].kind == "name" or token.text in {"const", "static"})
    declares |= token.kind == "name" and code[i + 1] == "*" and not code[i + 2].isdigit()
    if code[end] == ";" and not declares and (token.text != "return" or code[i + 1] == ";"):
        yield Change("no statement", token.start, code.tokens[end].start, "")


def wrong_arm(code: Code, i: int) -> Iterator[Change]:
    """The other arm of a condition."""
    if code[i] != "?":
        return
    middle = code.find(i + 1, {":"})
    end = code.find(middle + 1, {",", ";", ":"})
    yes, no = code.text(i + 1, middle), code.text(middle + 1, end)
    if yes != no:
        yield Change("arms", code.tokens[i + 1].start, code.tokens[end - 1].end, f"({no}) : ({yes})")


def swapped_operands(code: Code, i: int) -> Iterator[Change]:
    """Operands of - / % and shifts changed about, where both are one name, number or bracket."""
    if code[i] not in {"-", "/", "%", "<<", ">>", "<", ">"} or not code.is_binary(i):
        return
    first, end = code.partner.get(i - 1, i - 1), code.partner.get(i + 1, i + 1) + 1
    if code[i - 1] == "]" or (code[i - 1] == ")" and code.tokens[first - 1].is_operand):
        return
    if code[first - 1] in {"->", "."} or code[end] in {"->", ".", "[", "("} or code[i + 1] in {"-", "*", "&", "!", "~"}:
        return
    left, right = code.text(first, i), code.text(i + 1, end)
    yield Change("operands", code.tokens[first].start, code.tokens[end - 1].end, f"{right} {code[i]} {left}")


def swapped_arguments(code: Code, i: int) -> Iterator[Change]:
    """The first two arguments of a call changed about."""
    if code[i] != "(" or i not in code.partner or not code.tokens[i - 1].is_operand:
        return
    comma = code.find(i + 1, {","})
    end = code.find(comma + 1, {","}) if code[comma] == "," else comma
    if end > comma and code.text(i + 1, comma) != code.text(comma + 1, end):
        first, second = code.text(i + 1, comma), code.text(comma + 1, end)
        yield Change("arguments", code.tokens[i + 1].start, code.tokens[end - 1].end, f"{second}, {first}")


RULES: list[Rule] = [
    swapped_sign,
    dropped_negation,
    wrong_constant,
    wrong_index,
    wrong_bound,
    dropped_statement,
    wrong_arm,
    swapped_operands,
    swapped_arguments,
]


def changes(source: str) -> list[Change]:
    """Return every fault that may be put into a C file, in the order of the text."""
    code = Code(source)
    places = [i for i, inside in enumerate(code.inside) if inside]
    return [change for i in places for rule in RULES for change in rule(code, i)]
