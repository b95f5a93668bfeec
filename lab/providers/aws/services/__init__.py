"""The table of resource types, one module a family."""

from lab.providers.aws.services import (
    addresses,
    autoscaling,
    eks_access,
    eks_addons,
    eks_cluster,
    eks_nodes,
    endpoints,
    iam_issuers,
    iam_policies,
    iam_profiles,
    iam_roles,
    kms,
    launch_templates,
    logs,
    network,
    routing,
    security_group_rules,
    security_groups,
    ssm,
)

FAMILIES = (
    addresses,
    autoscaling,
    eks_access,
    eks_addons,
    eks_cluster,
    eks_nodes,
    endpoints,
    iam_issuers,
    iam_policies,
    iam_profiles,
    iam_roles,
    kms,
    launch_templates,
    logs,
    network,
    routing,
    security_group_rules,
    security_groups,
    ssm,
)

TYPES = {kind.token: kind for family in FAMILIES for kind in family.TYPES}
