"""Compares the calls of a run in the lab with docs/iam.md; the tests of each mode call it."""

from eks_cilium.rights.policies import Job
from lab.evidence.calls import CallLog

ENGINEER = ":user/engineer"
"""The end of the ARN of the user who runs the program."""

OF_THE_TESTS = {"eks:ListAddons"}
"""What `take_snapshot` asks for with the same credentials."""


def unlisted(log: CallLog, *jobs: Job) -> set[str]:
    """Actions that the engineer asked for, and that the policies of the jobs do not have."""
    calls = [call for call in log.calls() if (call.principal or "").endswith(ENGINEER)]
    assert calls
    listed = {action for job in jobs for action in job.actions(changing=True)}
    return {f"{call.service}:{call.action}" for call in calls} - listed - OF_THE_TESTS
