"""The functions (invokes) the lab offers, one module a family."""

from lab.providers.aws.functions import (
    eks,
    images,
    lookups,
    policy_document,
    region,
    ssm,
)

FUNCTIONS = {
    function.token: function
    for family in (eks, images, lookups, policy_document, region, ssm)
    for function in family.FUNCTIONS
}
