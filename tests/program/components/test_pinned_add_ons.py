"""Builds of add-ons that the configuration pins: those that EKS does not have are refused in the preview."""

from typing import Any

import pulumi
import pytest

from eks_cilium.errors import AwsAnswer, AwsNotFoundError, AwsRefusedError
from stacks import new_cluster
from tests.program.components.recording import BUILDS, Offers, Recorder, WithoutKey, record
from tests.program.components.test_new_chained_resources import recorded as recorded_chained
from tests.program.components.test_new_cluster_resources import settings_of

pytestmark = pytest.mark.simulation

KUBE_PROXY: dict[str, Any] = {
    "kubeProxy": {"version": "v1.34.9-eksbuild.9"},
    "cilium": {"version": "1.19.7", "chartRepository": "charts", "kubeProxyReplacement": False},
}
AGENT: dict[str, Any] = {
    "podIdentityAgent": {"version": "v1.2.0-eksbuild.9"},
    "cilium": {"version": "1.19.7", "chartRepository": "charts", "operatorIdentity": "pod-identity"},
}


class Eks(WithoutKey):
    """boto3's client of EKS, with builds that it offers, and a cluster in which some run."""

    def __init__(
        self,
        builds: dict[str, list[str]] | None = None,
        *,
        runs: dict[str, str] | None = None,
        version: str = "1.34",
    ) -> None:
        super().__init__()
        self._builds, self._runs, self._version = builds, runs, version
        self.asked: list[str] = []

    def get_paginator(self, operation: str) -> Any:
        return (
            Offers(self._builds)
            if operation == "describe_addon_versions"
            else super().get_paginator(operation)
        )

    def describe_cluster(self, name: str) -> dict[str, Any]:
        return {"cluster": {"name": name, "version": self._version}}

    def describe_addon(self, *, clusterName: str, addonName: str) -> dict[str, Any]:  # noqa: N803 - AWS's
        if self._runs is None or addonName not in self._runs:
            answer = AwsAnswer("eks:DescribeAddon", "ResourceNotFoundException", clusterName)
            raise AwsNotFoundError(f"no add-on {addonName}", answer)
        return {"addon": {"addonVersion": self._runs[addonName]}}


def recorded(eks: Eks, changes: dict[str, Any] | None = None) -> Recorder:
    settings = settings_of(changes)
    return record(lambda: new_cluster.run(settings, aws_client=lambda *_: eks))


@pytest.mark.parametrize(
    ("changes", "key", "newest"),
    [
        ({"coredns": {"version": "v1.12.5-eksbuild.7"}}, "coredns.version", "v1.13.2-eksbuild.1"),
        (KUBE_PROXY, "kubeProxy.version", "v1.35.0-eksbuild.2"),
        (AGENT, "podIdentityAgent.version", "v1.3.10-eksbuild.1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_build_that_eks_does_not_have_is_refused_in_the_preview(
    changes: dict[str, Any], key: str, newest: str
) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        recorded(Eks(), changes)

    message = str(refused.value)
    assert message.startswith("EKS would refuse these add-ons:")
    assert f"eks-cilium:{key}" in message
    assert f"{newest}" in message
    assert "for Kubernetes 1.34" in message


def test_every_build_of_a_chained_cluster_is_asked_for() -> None:
    with pytest.raises(pulumi.RunError) as refused:
        recorded_chained(aws=Eks({name: ["v0.1.0-eksbuild.1"] for name in BUILDS}))

    message = str(refused.value)
    assert [key for key in ("vpcCni", "kubeProxy", "coredns") if f"eks-cilium:{key}.version" in message] == [
        "vpcCni",
        "kubeProxy",
        "coredns",
    ]


def test_a_build_that_runs_is_left_alone_though_eks_lists_it_no_more() -> None:
    withdrawn = {**BUILDS, "coredns": ["v1.14.0-eksbuild.1"]}
    running = {"coredns": "v1.12.4-eksbuild.1"}

    assert recorded(Eks(withdrawn, runs=running)).only("Addon")
    for eks in (Eks(withdrawn), Eks(withdrawn, runs={"coredns": "v1.12.3-eksbuild.1"})):
        with pytest.raises(pulumi.RunError, match=r"coredns\.version"):
            recorded(eks)


def test_a_raised_kubernetes_version_needs_a_build_that_fits() -> None:
    withdrawn = {**BUILDS, "coredns": ["v1.14.0-eksbuild.1"]}

    with pytest.raises(pulumi.RunError, match=r"coredns\.version"):
        recorded(Eks(withdrawn, runs={"coredns": "v1.12.4-eksbuild.1"}, version="1.33"))


def test_a_kubernetes_version_without_add_ons_is_refused() -> None:
    with pytest.raises(
        pulumi.RunError, match="a version for which EKS has the add-on coredns in eu-central-1"
    ):
        recorded(Eks({}))


def test_who_may_not_ask_is_warned(caplog: pytest.LogCaptureFixture) -> None:
    class Refusing(Eks):
        def get_paginator(self, operation: str) -> Any:
            answer = AwsAnswer("eks:DescribeAddonVersions", "AccessDeniedException", "no")
            raise AwsRefusedError("eks:DescribeAddonVersions was denied", answer)

    assert recorded(Refusing()).only("Addon")
    assert "EKS could not be asked whether it has the builds of the add-ons" in caplog.text
