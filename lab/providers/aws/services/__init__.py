"""The table of resource types, one module a family."""

from lab.providers.aws.services import autoscaling, kms, launch_templates, logs, ssm
from lab.providers.aws.services.eks import access, addons, cluster, nodes
from lab.providers.aws.services.iam import issuers, policies, profiles, roles
from lab.providers.aws.services.network import (
    addresses,
    endpoints,
    peerings,
    routing,
    security_group_rules,
    security_groups,
    transit_gateways,
    transit_routes,
    vpcs,
    zones,
)

FAMILIES = (
    addresses,
    autoscaling,
    access,
    addons,
    cluster,
    nodes,
    endpoints,
    issuers,
    policies,
    profiles,
    roles,
    kms,
    launch_templates,
    logs,
    vpcs,
    peerings,
    routing,
    security_group_rules,
    security_groups,
    ssm,
    transit_gateways,
    transit_routes,
    zones,
)

TYPES = {kind.token: kind for family in FAMILIES for kind in family.TYPES}
