"""What the demos print: headings between the steps, and one line for each check."""

from collections.abc import Iterable

from lab.demo.checks import Check


def print_heading(title: str) -> None:
    print(f"\n{title}\n{'-' * len(title)}", flush=True)


def print_checks(checks: Iterable[Check]) -> bool:
    """Print a line for each check; return whether all passed."""
    results = list(checks)
    for check in results:
        verdict = "ok" if check.passed else "FAILED"
        print(f"  {verdict:6}  {check.description:52}  {check.observed}", flush=True)
    return all(check.passed for check in results)
