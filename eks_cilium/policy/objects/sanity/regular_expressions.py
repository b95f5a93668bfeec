"""Whether Go compiles a regular expression: Cilium's agents refuse a policy with one that Go does not.

Python's `re` knows more (lookahead, references to groups) and less (`[[:alpha:]]`), so it cannot answer.
Follows `parse` in Go's regexp/syntax/parse.go, with the flags of `regexp.Compile`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOST_REPEATED = 1000
_MOST_NESTED = 500
_REPEAT = re.compile(r"\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}")
_NAME = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")
_FLAGS = re.compile(r"\(\?(?:[imsU]*|[imsU]*-[imsU]+)([:)])")
_POSIX_CLASS = re.compile(
    r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]"
)
_UNICODE_CLASS = re.compile(
    r"\\[pP](?:[CLMNPSZ]|\{\^?(?:Any|C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?|"
    r"Arabic|Armenian|Bengali|Common|Cyrillic|Devanagari|Georgian|Greek|Han|Hangul|Hebrew|Hiragana|Inherited|"
    r"Katakana|Latin|Tamil|Thai)\})"
)
_PERL_CLASS = re.compile(r"\\[dDsSwW]")
_EMPTY_MATCH = re.compile(r"\\[AbBz]")
# A digit other than 0 is an octal number only where another octal digit follows; else it names a group.
_ESCAPE = re.compile(
    r"\\(?:0[0-7]{0,2}|[1-7](?=[0-7])[0-7]{1,2}|x\{([0-9A-Fa-f]+)\}|x[0-9A-Fa-f]{2}|[afnrtv]|[^A-Za-z0-9\x80-\U0010ffff])"
)
_HIGHEST_RUNE = 0x10FFFF
_NAMED = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    """The expression is none; says why in Go's words."""


@dataclass
class _Group:
    """What is open at a place of the expression."""

    argument: bool = False
    """Whether there is something here that a `*` could repeat."""
    last: int = 1
    """How often the last part is repeated at most, with what is nested in it."""
    most: int = 1


def why_no_expression(text: str) -> str:
    """Why Go does not compile a regular expression; empty where it does."""
    try:
        _Parser(text).parse()
    except _Refused as refused:
        return str(refused)
    return ""


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._groups = [_Group()]

    def parse(self) -> None:
        after_repeat = False
        while self._at < len(self._text):
            after_repeat = self._part(self._text[self._at], after_repeat=after_repeat)
        if len(self._groups) > 1:
            raise _Refused("missing closing )")

    def _part(self, character: str, *, after_repeat: bool) -> bool:
        """Read one part; True where it was a repetition."""
        match character:
            case "(":
                self._open()
            case ")":
                self._close()
            case "|":
                self._at += 1
                self._groups[-1].argument = False
            case "[":
                self._class()
                self._atom()
            case "*" | "+" | "?":
                self._at += 1
                return self._repeat(1, after_repeat=after_repeat)
            case "{" if found := _REPEAT.match(self._text, self._at):
                self._at = found.end()
                return self._repeat(_times(found), after_repeat=after_repeat)
            case "\\":
                self._escaped()
            case _:
                self._at += 1
                self._atom()
        return False

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _atom(self, repeated: int = 1) -> None:
        group = self._groups[-1]
        group.argument, group.last, group.most = True, repeated, max(group.most, repeated)

    def _open(self) -> None:
        if not self._text.startswith("(?", self._at):
            self._at += 1
        elif flags := self._take(_FLAGS):
            if flags[1] == ")":
                return
        elif not self._take(_NAME):
            raise _Refused(f"invalid or unsupported Perl syntax: {self._text[self._at : self._at + 3]}")
        self._groups.append(_Group())
        if len(self._groups) > _MOST_NESTED:
            raise _Refused("expression nests too deeply")

    def _close(self) -> None:
        if len(self._groups) == 1:
            raise _Refused("unexpected )")
        self._at += 1
        self._atom(self._groups.pop().most)

    def _repeat(self, times: int, *, after_repeat: bool) -> bool:
        group = self._groups[-1]
        if self._text.startswith("?", self._at):
            self._at += 1
        if not group.argument:
            raise _Refused("missing argument to repetition operator")
        if after_repeat:
            raise _Refused("invalid nested repetition operator")
        group.last *= times
        group.most = max(group.most, group.last)
        if group.last > _MOST_REPEATED:
            raise _Refused("invalid repeat count")
        return True

    def _escaped(self) -> None:
        if self._text.startswith("\\Q", self._at):
            quoted, _, _ = self._text[self._at + 2 :].partition("\\E")
            self._at = min(len(self._text), self._at + len(quoted) + 4)
            if quoted:
                self._atom()
            return
        if not any(map(self._take, (_EMPTY_MATCH, _UNICODE_CLASS, _PERL_CLASS))):
            self._character()
        self._atom()

    def _class(self) -> None:
        start, self._at = self._at, self._at + 1
        if self._text.startswith("^", self._at):
            self._at += 1
        first = True
        while first or not self._text.startswith("]", self._at):
            first = False
            if self._at >= len(self._text):
                raise _Refused(f"missing closing ]: {self._text[start:]}")
            if self._text.startswith("[:", self._at) and self._text.find(":]", self._at + 2) >= 0:
                if not self._take(_POSIX_CLASS):
                    raise _Refused(f"invalid character class range: {self._text[self._at :]}")
            elif not any(map(self._take, (_UNICODE_CLASS, _PERL_CLASS))):
                self._range()
        self._at += 1

    def _range(self) -> None:
        start, low = self._at, self._character()
        following = self._text[self._at : self._at + 2]
        if len(following) == len("-]") and following[0] == "-" and following[1] != "]":
            self._at += 1
            if self._character() < low:
                raise _Refused(f"invalid character class range: {self._text[start : self._at]}")

    def _character(self) -> int:
        """Read one character, which may be escaped, and give its number."""
        if self._at >= len(self._text):
            raise _Refused("missing closing ]")
        if self._text[self._at] != "\\":
            self._at += 1
            return ord(self._text[self._at - 1])
        start, found = self._at, self._take(_ESCAPE)
        if found is None:
            end = self._text[start : start + 2]
            raise _Refused(f"invalid escape sequence: {end}" if len(end) > 1 else "trailing backslash")
        number = _number(found[0][1:], found[1])
        if number > _HIGHEST_RUNE:
            raise _Refused(f"invalid escape sequence: {found[0]}")
        return number


def _times(found: re.Match[str]) -> int:
    """How often `{2}`, `{2,}` or `{2,5}` repeats at most; the lower number where it has no end."""
    low = int(found[1])
    high = int(found[3]) if found[3] else low
    if max(low, high) > _MOST_REPEATED or low > high:
        raise _Refused(f"invalid repeat count: {found[0]}")
    return high


def _number(escaped: str, in_braces: str | None) -> int:
    if in_braces:
        return int(in_braces, 16)
    if escaped[0] == "x":
        return int(escaped[1:], 16)
    if escaped[0].isdigit():
        return int(escaped, 8)
    return ord(_NAMED.get(escaped, escaped))
