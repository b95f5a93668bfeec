"""The real pulumi-eks, where it is on PATH, registers exactly what the lab's emulation registers.

Both components are constructed with the same arguments against a recording engine, in previews too. Compared
are all registrations field by field, the functions called, and the outputs.
"""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from lab.providers.values import OUTPUT, SIGNATURE, decode
from tests.lab.providers.provider_process import ROOT, ProviderProcess
from tests.lab.providers.recording_engine import Monitor, construct_request, listening
from tests.lab.providers.test_eks_component import BARE, CLUSTER, COMPUTED
from tests.parity import assert_same

PLUGIN = shutil.which("pulumi-resource-eks")
pytestmark = [
    pytest.mark.endurance,
    pytest.mark.skipif(PLUGIN is None, reason="pulumi-resource-eks is not on PATH"),
]

OPTIONS = {"addonVersion": "v1.20", "configurationValues": {"env": {"X": "1"}, "b": 1, "a": 2}}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "bare": {},
    "own groups left out": {"skipDefaultSecurityGroups": True},
    "all add-ons": {
        "useDefaultVpcCni": False,
        "kubeProxyAddonOptions": {"enabled": True, "configurationValues": {"b": 1, "a": {"d": 2, "c": 3}}},
        "corednsAddonOptions": {"enabled": True, "version": "v1"},
    },
    "options of the VPC CNI": {
        "useDefaultVpcCni": False,
        "vpcCniOptions": {**OPTIONS, "enableNetworkPolicy": True, "enablePrefixDelegation": True},
    },
    "a key, networks and logs": {
        "encryptionConfigKeyArn": "arn:aws:kms:x",
        "kubernetesServiceIpAddressRange": "10.100.0.0/16",
        "enabledClusterLogTypes": ["api", "audit"],
        "endpointPrivateAccess": True,
        "endpointPublicAccess": False,
        "upgradePolicy": {"supportType": "STANDARD"},
        "deletionProtection": True,
        "clusterTags": {"team": "other", "of": "cluster"},
        "nodeSecurityGroupTags": {"of": "nodes"},
        "clusterSecurityGroupTags": {"of": "group"},
    },
    "credentials of a profile": {"providerCredentialOpts": {"profileName": "work", "roleArn": "arn:aws:x"}},
    "one list of subnets": {"publicSubnetIds": None, "privateSubnetIds": None, "subnetIds": ["a", "b"]},
    "values of other resources": {"vpcId": {SIGNATURE: OUTPUT, "value": "vpc-9", "dependencies": ["urn:x"]}},
}


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, ProviderProcess]]:
    """Both providers; the real one takes the address of its engine when it starts."""
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "AWS_PROFILE": ""}
    with listening() as (address, _, _):
        both = {
            "emulated": ProviderProcess("eks", environment, address),
            "real": ProviderProcess("eks", environment, address, plugin=PLUGIN),
        }
        yield both
        for process in both.values():
            process.stop()


def constructed(process: ProviderProcess, changes: dict[str, Any], *, preview: bool) -> dict[str, Any]:
    """What a construction registers, calls and returns."""
    inputs = {key: value for key, value in (BARE | changes).items() if value is not None}
    with listening(computed={} if preview else COMPUTED) as (address, _, monitor):
        request = construct_request(address, CLUSTER, "c", inputs, preview=preview)
        response = process.connect().stub.Construct(request)
        return {
            "registered": registered(monitor),
            "functions": sorted(map(repr, monitor.invoked)),
            "registered outputs": monitor.outputs,
            "outputs": decode(response.state),
            "urn": response.urn,
        }


def registered(monitor: Monitor) -> dict[str, dict[str, Any]]:
    return {
        f"{each.type} {each.name}": {
            "parent": each.parent,
            "inputs": each.inputs,
            "dependencies": each.dependencies,
            "ignored": sorted(each.ignored),
        }
        for each in monitor.registered.values()
    }


@pytest.mark.parametrize(
    ("changes", "preview"),
    [
        *(pytest.param(changes, False, id=name) for name, changes in ARGUMENTS.items()),
        *(pytest.param(ARGUMENTS[name], True, id=f"preview, {name}") for name in ("bare", "all add-ons")),
    ],
)
def test_both_components_register_the_same(
    providers: dict[str, ProviderProcess], changes: dict[str, Any], preview: bool
) -> None:
    emulated, real = (constructed(process, changes, preview=preview) for process in providers.values())

    assert_same(emulated, real)
