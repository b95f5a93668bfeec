"""The command `eks-cilium explain`: what a message means, where to look, and how to go on.

It prints a section of docs/troubleshooting.md, which the package has in it: every message names its topic.
"""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from eks_cilium.cli.output import FINE, Format, FormatOption, show
from eks_cilium.errors import UserError
from eks_cilium.troubleshooting import link, sections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

_EPILOG = """\
[bold]Examples[/bold]

  eks-cilium explain
  eks-cilium explain lease-held

Exit status: 0 explained, 1 there is no such topic or the command line is wrong."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.command(epilog=_EPILOG)
def explain(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC", help="What a message names after `More:`. Without it, every topic is listed."
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Explain a message or a blocker of a plan: what it means, where to look, how to go on."""
    known = sections()
    chosen = known if topic is None else {topic: _explanation(known, topic)}
    show(
        form,
        text=lambda: _markdown(chosen) if topic else "\n".join(chosen) + "\n",
        markdown=lambda: _markdown(chosen),
        document=lambda: [{"topic": name, "link": link(name), "text": text} for name, text in chosen.items()],
        pretty=lambda: _pretty(chosen) if topic else iter(["\n".join(chosen)]),
    )
    raise typer.Exit(FINE)


def _explanation(known: dict[str, str], topic: str) -> str:
    if topic in known:
        return known[topic]
    close = get_close_matches(topic, known, n=3)
    meant = f"did you mean {', '.join(close)}? " if close else ""
    raise UserError(f"no topic {topic!r}: {meant}`eks-cilium explain` lists every topic")


def _markdown(chosen: dict[str, str]) -> str:
    return "".join(f"### `{name}`\n\n{text}\n\n" for name, text in chosen.items()).rstrip() + "\n"


def _pretty(chosen: dict[str, str]) -> "Iterator[RenderableType]":
    from rich.markdown import Markdown

    # Links to other pages lead nowhere from here: their addresses are shown, for those who have the pages.
    yield from (Markdown(f"### {name}\n\n{text}", hyperlinks=False) for name, text in chosen.items())
