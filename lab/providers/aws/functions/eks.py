"""Functions that read EKS: clusters, and the add-on version for a Kubernetes version."""

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function, NotFoundError
from lab.providers.aws.services.eks import cluster as eks_cluster
from lab.providers.values import Properties


def cluster(cloud: Cloud, arguments: Properties) -> Properties:
    # The function returns most nested objects as lists, unlike the resource.
    live = eks_cluster.read(cloud, arguments["name"], {})
    if live is None:
        raise NotFoundError(f"there is no EKS cluster '{arguments['name']}'")
    same = (
        "name",
        "arn",
        "endpoint",
        "version",
        "platformVersion",
        "status",
        "roleArn",
        "createdAt",
        "vpcConfig",
    )
    return {
        **{key: live[key] for key in (*same, "identities", "enabledClusterLogTypes", "deletionProtection")},
        "id": live["name"],
        "certificateAuthorities": [live["certificateAuthority"]],
        "accessConfigs": [live["accessConfig"]] if live.get("accessConfig") else [],
        "kubernetesNetworkConfigs": [
            {"elasticLoadBalancings": []} | (live.get("kubernetesNetworkConfig") or {})
        ],
        "upgradePolicies": [live["upgradePolicy"]] if live.get("upgradePolicy") else [],
        "computeConfigs": [],
        "outpostConfigs": [],
        "remoteNetworkConfigs": [],
        "storageConfigs": [],
        "zonalShiftConfigs": [],
        "tags": live["tagsAll"],
    }


def addon_version(cloud: Cloud, arguments: Properties) -> Properties:
    """The newest version of an add-on for a Kubernetes version, or the default one of EKS."""
    name, kubernetes = arguments["addonName"], arguments["kubernetesVersion"]
    listed = cloud.pages(
        "eks", "describe_addon_versions", "addons", addonName=name, kubernetesVersion=kubernetes
    )
    versions = [version for entry in listed for version in entry["addonVersions"]]
    if not arguments.get("mostRecent"):
        versions = [
            version
            for version in versions
            if any(fit.get("defaultVersion") for fit in version.get("compatibilities", []))
        ]
    if not versions:
        raise NotFoundError(f"there is no version of the add-on '{name}' for Kubernetes {kubernetes}")
    return {"id": name, "version": versions[0]["addonVersion"]}


def clusters(cloud: Cloud, _: Properties) -> Properties:
    return {"id": cloud.region, "names": cloud.pages("eks", "list_clusters", "clusters")}


FUNCTIONS = (
    Function("aws:eks/getClusters:getClusters", (), clusters),
    Function("aws:eks/getCluster:getCluster", ("name", "tags"), cluster),
    Function(
        "aws:eks/getAddonVersion:getAddonVersion",
        ("addonName", "kubernetesVersion", "mostRecent"),
        addon_version,
    ),
)
