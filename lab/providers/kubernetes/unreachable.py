"""What a resource does when its cluster does not answer: what the configuration allows, else an error."""

from lab.providers.errors import UnavailableError
from lab.providers.kubernetes.configuration import Configuration
from lab.providers.resource import Operation, State

ADVICE = "if the cluster no longer exists, set PULUMI_K8S_DELETE_UNREACHABLE=true to forget what was in it"


def unreachable(
    configuration: Configuration, operation: Operation, error: UnavailableError, kept: State | None
) -> State | None:
    """`None` to forget the resource, its state to keep it; without permission for either an error."""
    if configuration.delete_unreachable:
        operation.warn(f"{error}; dropped from the state, as deleteUnreachable asks")
        return None
    if configuration.skip_update_unreachable and kept is not None:
        operation.warn(f"{error}; kept as it was, as skipUpdateUnreachable asks")
        return kept
    raise UnavailableError(f"{error}; {ADVICE}") from error
