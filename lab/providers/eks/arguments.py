"""The arguments of `eks.Cluster` that the emulated component supports; all others are refused by name."""

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError, InputPropertyErrorDetails

API = "API"
ADDON_FIELDS = frozenset(
    {"configurationValues", "enabled", "resolveConflictsOnCreate", "resolveConflictsOnUpdate", "version"}
)
OFFERED = frozenset(
    {
        "accessEntries",
        "authenticationMode",
        "bootstrapSelfManagedAddons",
        "clusterSecurityGroupTags",
        "clusterTags",
        "corednsAddonOptions",
        "createInstanceRole",
        "createOidcProvider",
        "deletionProtection",
        "enabledClusterLogTypes",
        "encryptionConfigKeyArn",
        "endpointPrivateAccess",
        "endpointPublicAccess",
        "ipFamily",
        "kubeProxyAddonOptions",
        "kubernetesServiceIpAddressRange",
        "name",
        "nodeSecurityGroupTags",
        "privateSubnetIds",
        "providerCredentialOpts",
        "publicAccessCidrs",
        "publicSubnetIds",
        "serviceRole",
        "skipDefaultNodeGroup",
        "skipDefaultSecurityGroups",
        "subnetIds",
        "tags",
        "upgradePolicy",
        "useDefaultVpcCni",
        "version",
        "vpcCniOptions",
        "vpcId",
    }
)
# The real component has these too, but they need features that the lab does not have.
KNOWN = frozenset(
    {
        "autoMode",
        "clusterSecurityGroup",
        "creationRoleProvider",
        "desiredCapacity",
        "enableConfigMapMutable",
        "fargate",
        "gpu",
        "instanceProfileName",
        "instanceRole",
        "instanceRoles",
        "instanceType",
        "maxSize",
        "minSize",
        "nodeAmiId",
        "nodeAssociatePublicIpAddress",
        "nodeGroupOptions",
        "nodePublicKey",
        "nodeRootVolumeEncrypted",
        "nodeRootVolumeSize",
        "nodeSubnetIds",
        "nodeUserData",
        "proxy",
        "roleMappings",
        "storageClasses",
        "userMappings",
    }
)
OIDC = (
    "the component would open a TLS connection to the issuer during previews; leave "
    "createOidcProvider false and create an aws.iam.OpenIdConnectProvider for oidc_provider_url"
)


def check(arguments: Mapping[str, Any]) -> None:
    """Raise one error that lists every argument the emulated component does not support."""
    found = [
        InputPropertyErrorDetails(property_path=path, reason=reason) for path, reason in problems(arguments)
    ]
    if found:
        raise InputPropertiesError("; ".join(problem["reason"] for problem in found), found)


def problems(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """All problems, each with its property."""
    for name in sorted(set(arguments) - OFFERED):
        if name in KNOWN:
            yield (
                name,
                f"the lab does not offer the argument '{name}' of eks.Cluster (the real component does)",
            )
        else:
            yield name, f"eks.Cluster has no argument '{name}'"
    yield from _wrong_values(arguments)
    yield from _contradictions(arguments)


def _wrong_values(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    # The real component treats an Output as true, whatever its value, so literals are required.
    if arguments.get("createOidcProvider") not in (None, False):
        yield "createOidcProvider", OIDC
    if arguments.get("authenticationMode") != API:
        yield "authenticationMode", "the lab's eks.Cluster offers authenticationMode 'API' only"
    if arguments.get("skipDefaultNodeGroup") is not True:
        yield (
            "skipDefaultNodeGroup",
            "the lab's eks.Cluster creates no default node group: set skipDefaultNodeGroup",
        )
    if arguments.get("createInstanceRole"):
        yield "createInstanceRole", "the lab's eks.Cluster creates no instance role"
    if arguments.get("vpcId") is None:
        yield "vpcId", "the lab's eks.Cluster does not look for a default VPC: give vpcId"
    for option in ("kubeProxyAddonOptions", "corednsAddonOptions"):
        for field in sorted(set(arguments.get(option) or {}) - ADDON_FIELDS):
            yield f"{option}.{field}", f"'{option}' of eks.Cluster has no field '{field}'"
    if (arguments.get("vpcCniOptions") or {}).get("securityContextPrivileged"):
        yield "vpcCniOptions", "the lab does not offer 'securityContextPrivileged' of vpcCniOptions"


def _contradictions(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    split = arguments.get("publicSubnetIds") is not None or arguments.get("privateSubnetIds") is not None
    if arguments.get("subnetIds") is not None and split:
        yield "subnetIds", "subnetIds excludes publicSubnetIds and privateSubnetIds"
    cidrs, public = arguments.get("publicAccessCidrs"), arguments.get("endpointPublicAccess")
    if cidrs is not None and public is False and not isinstance(cidrs, pulumi.Output):
        yield "publicAccessCidrs", "publicAccessCidrs can only be set when endpointPublicAccess is true"
