"""What a terminal shows after a piece of output: as much of one as rich's live display uses.

Carriage return, line feed, cursor up, erase line, and colours. Other escape sequences are left out.
"""

import re

from rich.text import Text

_SEQUENCE = re.compile(r"\x1b\[(\?)?([\d;]*)([A-Za-z])")
_STYLES = re.compile(r"\x1b\[[\d;]*m")


class Screen:
    """The lines that were written so far, with their colours, and the cursor among them."""

    def __init__(self) -> None:
        self._lines = [""]
        self._row = 0
        self._begins = True
        """Whether the cursor is at the beginning of its line, where what is written replaces the line."""

    def write(self, text: str) -> None:
        """Take in output, which may end anywhere but inside of an escape sequence."""
        position = 0
        while position < len(text):
            if sequence := _SEQUENCE.match(text, position):
                self._control(sequence)
                position = sequence.end()
                continue
            self._character(text[position])
            position += 1

    def visible(self, lines: int) -> list[Text]:
        """The last lines, as many as fit."""
        shown = self._lines[-lines:]
        return [Text.from_ansi(line) if line else Text() for line in shown]

    def _control(self, sequence: re.Match[str]) -> None:
        private, numbers, letter = sequence.groups()
        if private:
            return
        if letter == "m":
            self._put(sequence[0])
        elif letter == "A":
            self._row = max(self._row - int(numbers or 1), 0)
        elif letter == "K":
            self._lines[self._row] = ""

    def _character(self, character: str) -> None:
        if character == "\r":
            self._begins = True
        elif character == "\n":
            self._row += 1
            self._begins = True
            if self._row == len(self._lines):
                self._lines.append("")
        else:
            self._put(character)

    def _put(self, text: str) -> None:
        if self._begins and _STYLES.sub("", text):
            kept = "".join(_STYLES.findall(self._lines[self._row])) if self._is_styles_only() else ""
            self._lines[self._row] = kept
            self._begins = False
        self._lines[self._row] += text

    def _is_styles_only(self) -> bool:
        return not _STYLES.sub("", self._lines[self._row])
