"""The functions (invokes) the lab offers, one module a family."""

from lab.providers.aws.functions import (
    eks,
    images,
    load_balancers,
    lookups,
    peerings,
    policy_document,
    region,
    ssm,
    zones,
)

FUNCTIONS = {
    function.token: function
    for family in (eks, images, load_balancers, lookups, peerings, policy_document, region, ssm, zones)
    for function in family.FUNCTIONS
}
