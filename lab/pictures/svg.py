"""Terminal output as SVG: a still by rich, and an animation that needs no script.

A line of the animation that stays where it is for several frames is one element, shown and hidden by SMIL; so
the file stays small. Both name only fonts that a reader's system has.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

THEME = TerminalTheme(
    (22, 27, 34),
    (201, 209, 217),
    [
        (72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65),
        (121, 192, 255), (210, 168, 255), (86, 212, 221), (201, 209, 217),
    ],
)  # fmt: skip
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_CHARACTER, _LINE, _SIZE, _EDGE, _BAR = 7.2, 17.0, 12, 12, 34
_STILL = """\
<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: FONT; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: FONT; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("FONT", _FONT)


def still(lines: Iterable[Text], *, title: str, columns: int) -> str:
    """A picture of lines, in a window with a title."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop", highlight=False)
    return console.export_svg(title=title, theme=THEME, code_format=_STILL, unique_id="terminal")


def animation(
    frames: Sequence[Sequence[Text]], *, title: str, columns: int, lines: int, seconds: float
) -> str:
    """Frames, each `lines` high, one after the other in a loop of `seconds`."""
    width = columns * _CHARACTER + 2 * _EDGE
    height = lines * _LINE + _BAR + _EDGE
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            'xml:space="preserve">',
            f"<style>text {{ font-family: {_FONT}; font-size: {_SIZE}px; white-space: pre; "
            f"fill: {THEME.foreground_color.hex}; }}</style>",
            f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="{THEME.background_color.hex}"/>',
            *_window(width, title),
            *_elements(frames, seconds),
            "</svg>",
            "",
        ]
    )


def _window(width: float, title: str) -> Iterator[str]:
    for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        yield f'<circle cx="{20 + 18 * index}" cy="17" r="6" fill="{colour}"/>'
    middle = f'<text x="{width / 2:.0f}" y="21" text-anchor="middle" font-weight="bold">'
    yield f"{middle}{escape(title)}</text>"


def _elements(frames: Sequence[Sequence[Text]], seconds: float) -> Iterator[str]:
    """Every distinct line at every height, with the times at which it is visible."""
    shown: dict[tuple[int, str], list[int]] = defaultdict(list)
    for number, frame in enumerate(frames):
        for row, line in enumerate(frame):
            if line.plain.strip():
                shown[row, _spans(line)].append(number)
    for (row, spans), numbers in sorted(shown.items(), key=lambda found: (found[0][0], found[1])):
        y = _BAR + (row + 0.8) * _LINE
        yield f'<text x="{_EDGE}" y="{y:.1f}">{spans}{_visibility(numbers, len(frames), seconds)}</text>'


def _visibility(numbers: Sequence[int], frames: int, seconds: float) -> str:
    """The animation of an element; none where it is always visible."""
    visible = set(numbers)
    if len(visible) == frames:
        return ""
    changes = [number for number in range(frames) if (number in visible) != (number - 1 in visible)]
    times = [0, *(number for number in changes if number)]
    values = ";".join("visible" if number in visible else "hidden" for number in times)
    keys = ";".join(f"{number / frames:.4g}" for number in times)
    return (
        f'<animate attributeName="visibility" calcMode="discrete" dur="{seconds:g}s" '
        f'repeatCount="indefinite" values="{values}" keyTimes="{keys}"/>'
    )


def _spans(line: Text) -> str:
    console = Console(file=io.StringIO())
    return "".join(
        f"<tspan{_attributes(segment.style)}>{escape(segment.text, quote=False)}</tspan>"
        if segment.style and _attributes(segment.style)
        else escape(segment.text, quote=False)
        for segment in line.render(console)
        if segment.text.strip("\n")
    )


def _attributes(style: Style) -> str:
    found = []
    if style.color is not None and not style.color.is_default:
        found.append(f' fill="{style.color.get_truecolor(THEME).hex}"')
    if style.bold:
        found.append(' font-weight="bold"')
    if style.dim:
        found.append(' opacity="0.6"')
    return "".join(found)
