"""What the demos print: headings between the steps, and one line for each check."""

from collections.abc import Iterable

from lab.demo.checks import Check

# The outputs of a stack, a kubeconfig among them, are for programs: they would hide what happened.
PREVIEW = ("preview", "--suppress-outputs")
UP = ("up", "--yes", "--skip-preview", "--suppress-outputs")
PREVIEW_AGAIN = (*PREVIEW, "--expect-no-changes")
"""What the demos have pulumi do."""


def print_checks(checks: Iterable[Check]) -> bool:
    """Print a line for each check; return whether all passed."""
    results = list(checks)
    for check in results:
        verdict = "ok" if check.passed else "FAILED"
        print(f"  {verdict:6}  {check.description:52}  {check.observed}", flush=True)
    return all(check.passed for check in results)
