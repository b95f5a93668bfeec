"""How the demos tell their story: headings between its parts, and a line for each fact."""

from collections.abc import Iterable

from lab.demo.facts import Fact


def heading(title: str) -> None:
    """Print a heading between the parts of the story."""
    print(f"\n{title}\n{'-' * len(title)}", flush=True)


def show(read: Iterable[Fact]) -> bool:
    """Print a line for each fact; return whether all hold."""
    every = list(read)
    for fact in every:
        print(f"  {'yes' if fact.holds else 'NO ':3}  {fact.sentence:38}  {fact.observed}", flush=True)
    return all(fact.holds for fact in every)
