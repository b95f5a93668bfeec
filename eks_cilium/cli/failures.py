"""What a user reads when a command cannot finish: the error, and where to look first. Never a traceback."""

import os

from eks_cilium.errors import AwsError, AwsNotFoundError, ProgramError, RefusedError, TransientError
from eks_cilium.troubleshooting import linked

TRACEBACK = "EKS_CILIUM_TRACEBACK"
"""Environment variable that lets an unexpected error through with its traceback, for a bug report."""

_NO_SUCH_CLUSTER = "check --cluster, --region and --profile; `aws eks list-clusters` lists the names"
_API_SERVER = (
    "check that this machine reaches the cluster's API server: a private endpoint needs its VPC or a VPN, "
    "and a kubeconfig and its context have to be those of the cluster"
)
_UNKNOWN_IDENTITY = (
    "the cluster does not know this identity: log in again, or give it an access entry "
    "(`aws eks create-access-entry`)"
)
_WITHOUT_RIGHTS = (
    "the cluster knows this identity but does not grant it that right: see `aws eks list-access-entries`, "
    "or ConfigMap kube-system/aws-auth"
)


def explained(error: Exception) -> str:
    """Say what went wrong, with a hint on a line of its own where the message itself has none.

    Errors of AWS carry their advice in their message. An error that this program does not expect is called a
    bug, and the text says how to get its traceback.
    """
    if not isinstance(error, ProgramError):
        return (
            f"unexpected {type(error).__name__}: {error}\n"
            f"  this is a bug in eks-cilium: run it again with {TRACEBACK}=1 and report what it prints"
        )
    hint = _hint(error)
    return linked(f"{error}\n  hint: {hint}" if hint else str(error), error.topic)


def wants_traceback(error: Exception) -> bool:
    """Tell whether an error is unexpected and `EKS_CILIUM_TRACEBACK` is set to see where it came from."""
    return not isinstance(error, ProgramError) and os.environ.get(TRACEBACK, "") not in {"", "0"}


def _hint(error: ProgramError) -> str:
    match error:
        case AwsNotFoundError():
            return _NO_SUCH_CLUSTER
        case AwsError():
            return ""
        case TransientError():
            return _API_SERVER
        case RefusedError(status=401):
            return _UNKNOWN_IDENTITY
        case RefusedError(status=403):
            return _WITHOUT_RIGHTS
    return ""
