"""Connects to the cluster of an operation: found by its name, with the credentials of the moment.

The state keeps the name alone. An endpoint or a certificate authority in it could be out of date when a
resource is deleted long after it was created.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eks_cilium.clients.aws import Credentials, client
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.clients.pods import PodExec
from eks_cilium.dynamic.shell.process import THIS_PROCESS, ProviderProcess
from eks_cilium.dynamic.shell.progress import reporter
from eks_cilium.errors import AwsNotFoundError, RefusedError
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.context import World
from eks_cilium.runtime.identity import caller, check_account
from eks_cilium.runtime.journal import Journal
from eks_cilium.runtime.waiting import persist
from eks_cilium.settings.model.migration import JOURNAL, MigrationOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.clients.aws import ClientOf

Connect = Callable[[Mapping[str, Any]], AbstractContextManager[World]]
"""From the inputs of a resource to its cluster and AWS account, for as long as the context lasts."""

ConnectReadOnly = Callable[[Mapping[str, Any]], AbstractContextManager[tuple[World, PodExec]]]
"""The same for a resource that only reads, with a way to run commands in pods."""

CONNECTION = ("cluster_name", "region", "profile", "accounts")
"""The inputs that name the cluster, the credentials and the accounts that these may belong to."""

_NOT_FOUND = 404
_ASKED_AGAIN = 5.0
"""Seconds between two attempts to find the cluster."""


class NoClusterError(RefusedError):
    """EKS has no cluster of this name, or one without an endpoint yet."""

    def __init__(self, name: str) -> None:
        super().__init__(f"EKS has no cluster {name} that answers yet", status=_NOT_FOUND)


def credentials_of(props: Mapping[str, Any]) -> Credentials:
    """The credentials that the inputs of a resource name."""
    return Credentials(region=props["region"], profile=props.get("profile"))


def refuse_foreign_account(
    props: Mapping[str, Any], credentials: Credentials, aws: ClientOf = client
) -> None:
    """Raise ForeignAccountError in an account that the inputs keep out.

    `pulumi destroy` runs no program that could refuse it, and finds a cluster by its name alone: in another
    account that may be another cluster, or none, which would count as deleted.
    """
    accounts = props.get("accounts")
    if accounts:
        check_account(accounts, caller(credentials, aws))


@contextmanager
def world_of(props: Mapping[str, Any]) -> Iterator[World]:
    """Connect to the cluster that the inputs of a resource name.

    The first call of `World.guard` acquires the cluster's Lease for this process. Raises NoClusterError.
    """
    credentials, name = credentials_of(props), props["cluster_name"]
    refuse_foreign_account(props, credentials)
    endpoint, authority = found_patiently(props, lambda: _reach(client(credentials, "eks"), name))
    folder = Path((props.get("options") or {}).get("journal", JOURNAL))
    with World.of_eks(
        cluster_name=name,
        endpoint=endpoint,
        certificate_authority=authority,
        credentials=credentials,
        leases=THIS_PROCESS.leases,
        locks=THIS_PROCESS.locks,
        views=THIS_PROCESS.views,
        run_id=THIS_PROCESS.run_id,
        is_cancelled=THIS_PROCESS.cancelled.is_set,
        journal=Journal.to_file(folder / f"{name}.jsonl"),
    ) as world:
        yield world


def found_patiently(
    props: Mapping[str, Any],
    find: Callable[[], tuple[str, bytes]],
    *,
    process: ProviderProcess = THIS_PROCESS,
    time: Time | None = None,
) -> tuple[str, bytes]:
    """What `find` returns; in the middle of a run AWS is asked again, as its operations do.

    At its beginning nothing is lost by an error, and credentials that have expired are the user's to renew.
    """
    options = props.get("options") or {}
    seconds = options.get("answerTimeoutSeconds", MigrationOptions().answer_timeout_seconds)
    return persist(
        time or Time(),
        find,
        seconds=seconds if process.leases.has() else 0,
        every=_ASKED_AGAIN,
        report=reporter(),
    )


@contextmanager
def read_only_world_of(props: Mapping[str, Any]) -> Iterator[tuple[World, PodExec]]:
    """Connect to the cluster without a Lease, to read it and to run commands in its pods.

    Raises NoClusterError.
    """
    credentials, name = credentials_of(props), props["cluster_name"]
    refuse_foreign_account(props, credentials)
    endpoint, authority = _reach(client(credentials, "eks"), name)
    place = {
        "cluster_name": name,
        "endpoint": endpoint,
        "certificate_authority": authority,
        "credentials": credentials,
    }
    with KubernetesApi.for_eks(**place) as api:
        world = World(cluster=name, api=api, aws=cache(lambda service: client(credentials, service)))
        yield world, PodExec.for_eks(**place)


def _reach(eks: Any, name: str) -> tuple[str, bytes]:
    try:
        described = eks.describe_cluster(name=name)["cluster"]
    except AwsNotFoundError as error:
        raise NoClusterError(name) from error
    authority = (described.get("certificateAuthority") or {}).get("data")
    if not described.get("endpoint") or not authority:
        raise NoClusterError(name)
    return described["endpoint"], base64.b64decode(authority)
