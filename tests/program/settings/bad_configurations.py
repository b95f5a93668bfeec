"""Configurations that have to be refused, each with the problems that have to be reported.

Used by the tests of the parser, and by those that run some of them through a preview of the whole program.
"""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

GOOD: dict[str, Any] = {
    "aws:region": "eu-central-1",
    "mode": "new-cluster",
    "cluster": {"name": "dev", "kubernetesVersion": "1.34"},
    "network": {"cidr": "10.0.0.0/16"},
    "nodeGroups": {"system": {"instanceTypes": ["m7i.large"]}},
    "cilium": {"version": "1.19.7"},
    "coredns": {"version": "v1.12.4-eksbuild.1"},
}

GOOD_REPLACEMENT: dict[str, Any] = {
    "aws:region": "eu-central-1",
    "mode": "replacement",
    "cluster": {"name": "production"},
    "cilium": {"version": "1.19.7"},
}

GOOD_CHAINING: dict[str, Any] = {
    "aws:region": "eu-central-1",
    "mode": "chaining",
    "cluster": {"name": "production", "existing": True},
    "cilium": {"version": "1.19.7"},
    "peerCidrs": ["10.2.0.0/16"],
}

GOOD_NEW_CHAINING: dict[str, Any] = {
    **GOOD,
    "mode": "chaining",
    "cluster": {"name": "dev", "existing": False, "kubernetesVersion": "1.34"},
    "kubeProxy": {"version": "v1.34.0-eksbuild.2"},
    "vpcCni": {"version": "v1.20.5-eksbuild.1"},
    "peerCidrs": ["10.2.0.0/16"],
}

_INTENT = {
    "name": "client-to-server",
    "from": {"cluster": "cluster-1", "namespace": "my-client"},
    "to": {"cluster": "cluster-2", "namespace": "my-server"},
    "enableDefaultDeny": {"egress": "partly"},
}
GOOD_MESH: dict[str, Any] = {
    "aws:region": "eu-central-1",
    "mode": "mesh",
    "clusters": {
        "cluster-1": {"stack": "organization/eks-cilium/dev"},
        "cluster-2": {"name": "production"},
    },
}

REMOVED = object()
"""The value of a key that a change removes."""


@dataclass(frozen=True)
class Bad:
    """One wrong configuration: what is changed in a good one, and the problems it has to end in."""

    name: str
    change: dict[str, Any]
    problems: dict[str, str]
    """Key path to a part of the message."""
    base: dict[str, Any] = field(default_factory=lambda: GOOD)


def changed(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A copy of a configuration with a change merged into it."""
    result = copy.deepcopy(base)
    for key, value in change.items():
        if value is REMOVED:
            result.pop(key)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = changed(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def as_pulumi(configuration: dict[str, Any]) -> dict[str, str]:
    """The flat map of texts that Pulumi hands to a program."""
    return {
        key if ":" in key else f"eks-cilium:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in configuration.items()
    }


EXISTING = changed(
    GOOD,
    {
        "network": {
            "cidr": REMOVED,
            "vpcId": "vpc-0123456789abcdef0",
            "privateSubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        }
    },
)


def _group(**keys: Any) -> dict[str, Any]:
    return {"nodeGroups": {"system": keys}}


def _cluster(**keys: Any) -> dict[str, Any]:
    return {"cluster": keys}


def _cilium(**keys: Any) -> dict[str, Any]:
    return {"cilium": keys}


def _migration(**keys: Any) -> dict[str, Any]:
    return {"migration": keys}


_GROUP = "eks-cilium:nodeGroups.system"
_KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
_EBS_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
_EBS_ROLE: dict[str, Any] = {
    "serviceAccount": "kube-system/ebs-csi-controller-sa",
    "policyArns": [_EBS_POLICY],
}

BAD: list[Bad] = [
    # The shape.
    Bad("mode missing", {"mode": REMOVED}, {"eks-cilium:mode": "not set"}),
    Bad(
        "a running cluster, or one to make",
        {"cluster": {"existing": REMOVED}},
        {"eks-cilium:cluster.existing": "true for a running cluster, false for a cluster that the stack"},
        GOOD_CHAINING,
    ),
    Bad(
        "a cluster to make, or a running one",
        {"cluster": {"existing": REMOVED}},
        {"eks-cilium:cluster.existing": "set --path 'eks-cilium:cluster.existing' false"},
        GOOD_NEW_CHAINING,
    ),
    Bad(
        "a running cluster with nodes to make",
        {"nodeGroups": {"system": {}}},
        {"eks-cilium:nodeGroups": "no such key"},
        GOOD_CHAINING,
    ),
    Bad("mode unknown", {"mode": "new_cluster"}, {"eks-cilium:mode": "allowed: new-cluster"}),
    Bad("region missing", {"aws:region": REMOVED}, {"aws:region": "pulumi config set 'aws:region'"}),
    Bad("region misspelled", {"aws:region": "eu-central"}, {"aws:region": "eu-central-1"}),
    Bad(
        "credentials in the configuration",
        {"aws:secretKey": "shhh"},
        {"aws:secretKey": "pulumi config rm 'aws:secretKey'"},
    ),
    Bad(
        "tags of the provider",
        {"aws:defaultTags": {"tags": {"team": "platform"}}},
        {"aws:defaultTags": 'set eks-cilium:tags to {"team": "platform"} in the stack\'s file'},
    ),
    Bad(
        "role of the provider",
        {"aws:assumeRoles": [{"roleArn": "arn:aws:iam::111122223333:role/deploy"}]},
        {"aws:assumeRoles": "aws:profile names the profile"},
    ),
    Bad(
        "unknown top key",
        {"nodegroups": {}},
        {"eks-cilium:nodegroups": "rename eks-cilium:nodegroups to eks-cilium:nodeGroups in"},
    ),
    Bad(
        "unknown key",
        _cluster(kubernetesVerion="1.34"),
        {"eks-cilium:cluster.kubernetesVerion": "rename kubernetesVerion to kubernetesVersion"},
    ),
    Bad(
        "unknown key in a group",
        _group(minSze=1),
        {f"{_GROUP}.minSze": "rename minSze to minSize below eks-cilium:nodeGroups.system"},
    ),
    Bad("object expected", {"network": "10.0.0.0/16"}, {"eks-cilium:network": "an object with cidr"}),
    Bad(
        "not even JSON", {"cilium": "{version"}, {"eks-cilium:cilium": "an object with version, and any of "}
    ),
    Bad("number expected", _group(minSize="two"), {f"{_GROUP}.minSize": "a whole number"}),
    Bad("boolean expected", _cluster(protect="maybe"), {"eks-cilium:cluster.protect": "true or false"}),
    Bad("no node groups", {"nodeGroups": REMOVED}, {"eks-cilium:nodeGroups": "at least one node group"}),
    Bad("fewer pods than the system has", _group(maxPods=3), {f"{_GROUP}.maxPods": "8 to 250"}),
    Bad(
        "a limit of pods that the image does not take",
        _cluster(kubernetesVersion="1.32") | _group(maxPods=110, amiType="AL2_x86_64"),
        {f"{_GROUP}.maxPods": "nothing with an AL2 image"},
    ),
    Bad(
        "an image for GPUs on instances without them",
        _group(amiType="AL2023_x86_64_NVIDIA"),
        {f"{_GROUP}.instanceTypes[0]": "an instance type with NVIDIA GPUs, as amiType is"},
    ),
    Bad(
        "an image for NVIDIA's GPUs on AMD's",
        _group(amiType="BOTTLEROCKET_x86_64_NVIDIA", instanceTypes=["g4ad.xlarge"]),
        {f"{_GROUP}.instanceTypes[0]": "NVIDIA GPUs"},
    ),
    Bad(
        "an image for Neuron on GPUs",
        _group(amiType="AL2023_x86_64_NEURON", instanceTypes=["inf2.xlarge", "g6.xlarge"]),
        {f"{_GROUP}.instanceTypes[1]": "Inferentia or Trainium"},
    ),
    # The control plane.
    Bad("name with capitals", _cluster(name="Dev"), {"eks-cilium:cluster.name": "Cilium's rule"}),
    Bad("name too long for Cilium", _cluster(name="d" * 33), {"eks-cilium:cluster.name": "1 to 32"}),
    Bad("name ends in a dash", _cluster(name="dev-"), {"eks-cilium:cluster.name": "ending with"}),
    Bad(
        "YAML ate the quotes",
        _cluster(kubernetesVersion=1.3),
        {"eks-cilium:cluster.kubernetesVersion": "in quotes"},
    ),
    Bad(
        "Kubernetes too old",
        _cluster(kubernetesVersion="1.24"),
        {"eks-cilium:cluster.kubernetesVersion": "one of 1.32,"},
    ),
    Bad(
        "extended support of the version has ended",
        _cluster(kubernetesVersion="1.31"),
        {"eks-cilium:cluster.kubernetesVersion": "one of 1.32,"},
    ),
    Bad(
        "support that EKS does not have",
        _cluster(upgradePolicy="PREMIUM"),
        {"eks-cilium:cluster.upgradePolicy": "STANDARD or EXTENDED"},
    ),
    Bad(
        "Kubernetes older than Cilium supports",
        _cluster(kubernetesVersion="1.32") | _cilium(version="1.20.2"),
        {"eks-cilium:cluster.kubernetesVersion": "1.33 or newer with Cilium 1.20.2"},
    ),
    Bad(
        "endpoint answers nowhere",
        _cluster(endpoint={"privateAccess": False}),
        {"eks-cilium:cluster.endpoint.privateAccess": "at least one"},
    ),
    Bad(
        "nodes could not reach the endpoint",
        _cluster(
            endpoint={"privateAccess": False, "publicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]}
        ),
        {"eks-cilium:cluster.endpoint.privateAccess": "true while publicAccessCidrs is 203.0.113.0/24"},
    ),
    Bad(
        "half of the internet is not all of it",
        _cluster(endpoint={"privateAccess": False, "publicAccess": True, "publicAccessCidrs": ["0.0.0.0/1"]}),
        {"eks-cilium:cluster.endpoint.privateAccess": "none would join"},
    ),
    Bad(
        "public endpoint open by omission",
        _cluster(endpoint={"publicAccess": True}),
        {"eks-cilium:cluster.endpoint.publicAccessCidrs": "0.0.0.0/0 for the whole internet"},
    ),
    Bad(
        "networks for a closed endpoint",
        _cluster(endpoint={"publicAccessCidrs": ["0.0.0.0/0"]}),
        {"eks-cilium:cluster.endpoint.publicAccessCidrs": "nothing while publicAccess is false"},
    ),
    Bad(
        "not a network",
        _cluster(endpoint={"publicAccess": True, "publicAccessCidrs": ["203.0.113.7/24"]}),
        {"eks-cilium:cluster.endpoint.publicAccessCidrs[0]": "IPv4 networks"},
    ),
    Bad(
        "service network public",
        _cluster(serviceCidr="8.8.0.0/16"),
        {"eks-cilium:cluster.serviceCidr": "inside"},
    ),
    Bad(
        "service network too small",
        _cluster(serviceCidr="172.20.0.0/25"),
        {"eks-cilium:cluster.serviceCidr": "/12 to /24"},
    ),
    Bad("log type unknown", _cluster(logTypes=["audits"]), {"eks-cilium:cluster.logTypes[0]": "audit"}),
    Bad(
        "log retention unknown", _cluster(logRetentionDays=31), {"eks-cilium:cluster.logRetentionDays": "30"}
    ),
    Bad(
        "admin is a session",
        _cluster(admins=["arn:aws:sts::111122223333:assumed-role/admin/me"]),
        {"eks-cilium:cluster.admins[0]": "not of a session"},
    ),
    Bad(
        "admin twice",
        _cluster(admins=["arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/a"]),
        {"eks-cilium:cluster.admins[1]": "once"},
    ),
    Bad(
        "network for pods in an existing VPC",
        {"network": {"podCidr": "100.64.0.0/16"}},
        {"eks-cilium:network.podCidr": "podSubnetIds names subnets of an existing VPC"},
        EXISTING,
    ),
    Bad(
        "subnets for pods in a new VPC",
        {"network": {"podSubnetIds": ["subnet-0123456789abcdef4"]}},
        {"eks-cilium:network.podSubnetIds": "podCidr makes subnets in a new VPC"},
    ),
    Bad(
        "subnets of nodes for pods",
        {"network": {"podSubnetIds": ["subnet-0123456789abcdef0"]}},
        {"eks-cilium:network.podSubnetIds[0]": "neither in privateSubnetIds nor in publicSubnetIds"},
        EXISTING,
    ),
    Bad(
        "a subnet for pods twice",
        {"network": {"podSubnetIds": ["subnet-0123456789abcdef4"] * 2}},
        {"eks-cilium:network.podSubnetIds[1]": "every subnet once"},
        EXISTING,
    ),
    Bad(
        "a network for pods that AWS does not add",
        {"network": {"podCidr": "192.168.0.0/16"}},
        {"eks-cilium:network.podCidr": "inside 100.64.0.0/10, or of the private range"},
    ),
    Bad(
        "a network for pods below that of nodes",
        {"network": {"cidr": "10.1.0.0/16", "podCidr": "10.0.0.0/16"}},
        {"eks-cilium:network.podCidr": "AWS adds no other"},
    ),
    Bad(
        "a network for pods that is the VPC's",
        {"network": {"podCidr": "10.0.128.0/17"}},
        {"eks-cilium:network.podCidr": "does not overlap network.cidr (10.0.0.0/16)"},
    ),
    Bad(
        "a network for pods and Services",
        {"network": {"cidr": "172.16.0.0/16", "podCidr": "172.20.0.0/16"}},
        {"eks-cilium:network.podCidr": "does not overlap cluster.serviceCidr"},
    ),
    Bad(
        "a network for pods that is too small",
        {"network": {"podCidr": "100.64.0.0/24"}},
        {"eks-cilium:network.podCidr": "a /16 to /22"},
    ),
    Bad(
        "subnets for pods with an older Cilium",
        {"network": {"podCidr": "100.64.0.0/16"}, "cilium": {"version": "1.18.11"}},
        {"eks-cilium:network.podCidr": "eni.nodeSpec from 1.19 on"},
    ),
    Bad(
        "subnets for pods and an overlay",
        {
            "network": {"podCidr": "100.64.0.0/16"},
            "cilium": {"ipam": "cluster-pool", "overlay": {"podCidrs": ["10.64.0.0/14"]}},
        },
        {"eks-cilium:network.podCidr": "nothing with an overlay"},
    ),
    Bad(
        "subnets for pods with the VPC CNI",
        {"network": {"podCidr": "100.64.0.0/16"}},
        {"eks-cilium:network.podCidr": "the VPC CNI gives pods their addresses"},
        GOOD_NEW_CHAINING,
    ),
    Bad(
        "subnets for pods with images that count other addresses",
        {
            "network": {"podCidr": "100.64.0.0/16"},
            "cluster": {"kubernetesVersion": "1.32"},
            "nodeGroups": {"system": {"amiType": "AL2_x86_64"}},
        },
        {f"{_GROUP}.amiType": "AL2 counts addresses that pods do not get"},
    ),
    Bad(
        "pods translated on the way to each other",
        {
            "network": {"podCidr": "100.64.0.0/16"},
            "cilium": {"masquerade": "on", "nativeRoutingCidr": "10.0.0.0/8"},
        },
        {"eks-cilium:cilium.nativeRoutingCidr": "a network that holds network.podCidr, 100.64.0.0/16"},
    ),
    Bad(
        "subnets of pods by value",
        {"cilium": {"values": {"eni": {"nodeSpec": {"subnetIDs": ["subnet-0123456789abcdef4"]}}}}},
        {"eks-cilium:cilium.values.eni.nodeSpec.subnetIDs": "network.podCidr and network.podSubnetIds"},
    ),
    Bad(
        "flow logs of an existing VPC",
        {"network": {"flowLogs": {"traffic": "REJECT"}}},
        {"eks-cilium:network.flowLogs": "an existing VPC is used as it is"},
        EXISTING,
    ),
    Bad(
        "flow logs that are none",
        {"network": {"flowLogs": {"traffic": "DROP", "interval": 30, "fields": ["${srcaddr}"]}}},
        {
            "eks-cilium:network.flowLogs.traffic": "ALL, ACCEPT or REJECT",
            "eks-cilium:network.flowLogs.interval": "60 or 600",
            "eks-cilium:network.flowLogs.fields[0]": "a list of fields such as srcaddr",
        },
    ),
    Bad(
        "flow logs with a retention of the bucket",
        {"network": {"flowLogs": {"bucketArn": "arn:aws:s3:::flow-logs", "retentionDays": 7}}},
        {"eks-cilium:network.flowLogs.retentionDays": "the lifecycle of the bucket decides"},
    ),
    Bad(
        "flow logs in the folder of AWS",
        {"network": {"flowLogs": {"bucketArn": "arn:aws:s3:::flow-logs/AWSLogs/x"}}},
        {"eks-cilium:network.flowLogs.bucketArn": "a folder other than AWSLogs"},
    ),
    Bad(
        "flow logs in a bucket without its ARN",
        {"network": {"flowLogs": {"bucketArn": "flow-logs"}}},
        {"eks-cilium:network.flowLogs.bucketArn": "the ARN of a bucket"},
    ),
    Bad("an image by its name", _group(imageId="my-image"), {f"{_GROUP}.imageId": "the id of an image"}),
    Bad(
        "an image with a release",
        _group(imageId="ami-0123456789abcdef0", releaseVersion="1.34.0-20250915"),
        {f"{_GROUP}.releaseVersion": "the release is that of the image"},
    ),
    Bad(
        "an image made from AL2",
        {
            "cluster": {"kubernetesVersion": "1.32"},
            "nodeGroups": {"system": {"amiType": "AL2_x86_64", "imageId": "ami-0123456789abcdef0"}},
        },
        {f"{_GROUP}.imageId": "images made from AL2023 or Bottlerocket"},
    ),
    Bad("key is an alias", _cluster(secretsKeyArn="alias/eks"), {"eks-cilium:cluster.secretsKeyArn": "ARN"}),
    Bad(
        "key of another region",
        _cluster(secretsKeyArn=f"arn:aws:kms:eu-west-1:111122223333:key/{_KEY}"),
        {"eks-cilium:cluster.secretsKeyArn": "a key in eu-central-1, the region of the cluster"},
    ),
    Bad(
        "key of another partition",
        _cluster(secretsKeyArn=f"arn:aws-cn:kms:eu-central-1:111122223333:key/{_KEY}"),
        {"eks-cilium:cluster.secretsKeyArn": "a key in eu-central-1"},
    ),
    Bad(
        "policy of an add-on of another partition",
        _cluster(
            addons={
                "aws-ebs-csi-driver": {
                    "role": {
                        "serviceAccount": "kube-system/ebs-csi-controller-sa",
                        "policyArns": ["arn:aws-us-gov:iam::aws:policy/AmazonEBSCSIDriverPolicy"],
                    }
                }
            }
        ),
        {"eks-cilium:cluster.addons.aws-ebs-csi-driver.role.policyArns[0]": "an ARN of partition aws"},
    ),
    Bad(
        "role of an add-on of another partition",
        _cluster(addons={"x": {"serviceAccountRoleArn": "arn:aws-cn:iam::111122223333:role/x"}}),
        {"eks-cilium:cluster.addons.x.serviceAccountRoleArn": "an ARN of partition aws, that of"},
    ),
    Bad(
        "bucket of another partition",
        {"network": {"cidr": "10.0.0.0/16", "flowLogs": {"bucketArn": "arn:aws-cn:s3:::flow-logs"}}},
        {"eks-cilium:network.flowLogs.bucketArn": "an ARN of partition aws, that of"},
    ),
    Bad(
        "key of logs in another region",
        _cluster(logsKeyArn=f"arn:aws:kms:eu-west-1:111122223333:key/{_KEY}"),
        {"eks-cilium:cluster.logsKeyArn": "a key in eu-central-1, the region of the cluster"},
    ),
    Bad(
        "key of logs is an alias", _cluster(logsKeyArn="alias/logs"), {"eks-cilium:cluster.logsKeyArn": "ARN"}
    ),
    Bad(
        "key given and made",
        _cluster(secretsKeyArn=f"arn:aws:kms:eu-central-1:111122223333:key/mrk-{_KEY}", secretsKey={}),
        {"eks-cilium:cluster.secretsKeyArn": "nothing beside secretsKey"},
    ),
    Bad(
        "key with an alias of AWS",
        _cluster(secretsKey={"alias": "aws/eks"}),
        {"eks-cilium:cluster.secretsKey.alias": "not beginning with aws/"},
    ),
    Bad(
        "key that goes at once",
        _cluster(secretsKey={"deletionDays": 1, "rotationDays": 30}),
        {
            "eks-cilium:cluster.secretsKey.deletionDays": "7 to 30",
            "eks-cilium:cluster.secretsKey.rotationDays": "90 to 2560",
        },
    ),
    Bad(
        "deletion half protected",
        _cluster(deletionProtection=True, protect=False),
        {"eks-cilium:cluster.deletionProtection": "a destroy would fail half-way"},
    ),
    Bad("tag AWS keeps", {"tags": {"aws:team": "x"}}, {'eks-cilium:tags["aws:team"]': "without aws:"}),
    Bad("tag that IAM refuses", {"tags": {"team": "a, b"}}, {"eks-cilium:tags.team": "IAM takes no others"}),
    Bad(
        "tags that IAM takes for one",
        {"tags": {"team": "a", "Team": "b"}},
        {"eks-cilium:tags.Team": "differs from team in more than upper case"},
    ),
    Bad("tag the program writes", {"tags": {"Name": "x"}}, {"eks-cilium:tags.Name": "sets that tag itself"}),
    # The network.
    Bad("no VPC at all", {"network": {"cidr": REMOVED}}, {"eks-cilium:network.cidr": "network.vpcId"}),
    Bad(
        "two VPCs",
        {"network": {"cidr": "10.0.0.0/16"}},
        {"eks-cilium:network.cidr": "nothing beside network.vpcId"},
        EXISTING,
    ),
    Bad(
        "NAT for an existing VPC",
        {"network": {"nat": "single"}},
        {"eks-cilium:network.nat": "used as it is"},
        EXISTING,
    ),
    Bad("VPC too small", {"network": {"cidr": "10.0.0.0/24"}}, {"eks-cilium:network.cidr": "/16 to /20"}),
    Bad("VPC too large", {"network": {"cidr": "10.0.0.0/8"}}, {"eks-cilium:network.cidr": "/16 to /20"}),
    Bad("VPC public", {"network": {"cidr": "52.0.0.0/16"}}, {"eks-cilium:network.cidr": "inside 10.0.0.0/8"}),
    Bad(
        "VPC with host bits",
        {"network": {"cidr": "10.0.0.1/16"}},
        {"eks-cilium:network.cidr": "a private IPv4 network"},
    ),
    Bad(
        "VPC overlaps services",
        {"network": {"cidr": "172.20.0.0/16"}},
        {"eks-cilium:network.cidr": "does not overlap cluster.serviceCidr"},
    ),
    Bad("one zone", {"network": {"zones": 1}}, {"eks-cilium:network.zones": "2 or 3"}),
    Bad("four zones", {"network": {"zones": 4}}, {"eks-cilium:network.zones": "2 or 3"}),
    Bad(
        "the same zone twice",
        {"network": {"zones": ["eu-central-1a", "eu-central-1a"]}},
        {"eks-cilium:network.zones": "different zones"},
    ),
    Bad(
        "zone of another region",
        {"network": {"zones": ["eu-central-1a", "eu-west-1b"]}},
        {"eks-cilium:network.zones[1]": "a zone of eu-central-1"},
    ),
    Bad(
        "private nodes without NAT",
        {"network": {"nat": "none"}},
        {"eks-cilium:network.nat": "per-zone or single"},
    ),
    Bad(
        "subnets without a VPC",
        {"network": {"publicSubnetIds": ["subnet-0123456789abcdef0"]}},
        {"eks-cilium:network.publicSubnetIds": "nothing without network.vpcId"},
    ),
    Bad(
        "VPC id misspelled",
        {"network": {"vpcId": "vpc-12"}},
        {"eks-cilium:network.vpcId": "the id of a VPC"},
        EXISTING,
    ),
    Bad(
        "one subnet",
        {"network": {"privateSubnetIds": ["subnet-0123456789abcdef0"]}},
        {"eks-cilium:network.privateSubnetIds": "two or three zones"},
        EXISTING,
    ),
    Bad(
        "no subnets for public nodes",
        _group(subnets="public"),
        {"eks-cilium:network.publicSubnetIds": "node groups are placed there"},
        EXISTING,
    ),
    Bad(
        "subnet listed twice",
        {"network": {"publicSubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef2"]}},
        {"eks-cilium:network.publicSubnetIds[0]": "every subnet once"},
        EXISTING,
    ),
    # Node groups.
    Bad(
        "group name too long",
        {"nodeGroups": {"n" * 21: {}}},
        {f"eks-cilium:nodeGroups.{'n' * 21}": "1 to 20"},
    ),
    Bad(
        "minimum above desired",
        _group(minSize=3, desiredSize=2),
        {f"{_GROUP}.desiredSize": "between minSize (3)"},
    ),
    Bad("desired above maximum", _group(desiredSize=9), {f"{_GROUP}.desiredSize": "maxSize (3)"}),
    Bad(
        "empty node groups", _group(minSize=0, desiredSize=0), {f"{_GROUP}.desiredSize": "at least one node"}
    ),
    Bad(
        "more than all missing",
        _group(maxUnavailable="101%"),
        {f"{_GROUP}.maxUnavailable": "1 to 100, or a percentage such as 33%"},
    ),
    Bad("none missing", _group(maxUnavailable=0), {f"{_GROUP}.maxUnavailable": "1 to 100"}),
    Bad(
        "an unknown strategy",
        _group(updateStrategy="FAST"),
        {f"{_GROUP}.updateStrategy": "DEFAULT or MINIMAL"},
    ),
    Bad(
        "repair without a reason",
        _group(nodeRepair={"overrides": [{"condition": "X", "waitMinutes": 0, "action": "Delete"}]}),
        {
            f"{_GROUP}.nodeRepair.overrides[0].reason": "not set",
            f"{_GROUP}.nodeRepair.overrides[0].waitMinutes": "from 1",
            f"{_GROUP}.nodeRepair.overrides[0].action": "Replace, Reboot or NoAction",
        },
    ),
    Bad(
        "repair of no node",
        _group(nodeRepair={"maxUnhealthy": "0%", "maxParallel": 0}),
        {
            f"{_GROUP}.nodeRepair.maxUnhealthy": "a percentage such as 33%",
            f"{_GROUP}.nodeRepair.maxParallel": "1 to 100",
        },
    ),
    Bad("more missing than there are", _group(maxUnavailable=4), {f"{_GROUP}.maxUnavailable": "maxSize (3)"}),
    Bad(
        "no instance type",
        _group(instanceTypes=[]),
        {f"{_GROUP}.instanceTypes": "a list of EC2 instance types"},
    ),
    Bad(
        "instance type misspelled",
        _group(instanceTypes=["m7i"]),
        {f"{_GROUP}.instanceTypes[0]": "EC2 instance type"},
    ),
    Bad(
        "ARM image, x86 instances",
        _group(amiType="AL2023_ARM_64_STANDARD"),
        {f"{_GROUP}.instanceTypes[0]": "an arm64 instance type"},
    ),
    Bad(
        "x86 image, Graviton instances",
        _group(instanceTypes=["m7i.large", "m7g.large"]),
        {f"{_GROUP}.instanceTypes[1]": "an x86_64 instance type"},
    ),
    Bad("image unknown", _group(amiType="AL2023"), {f"{_GROUP}.amiType": "AL2023_x86_64_STANDARD"}),
    Bad(
        "a native network without masquerading",
        _cilium(nativeRoutingCidr="10.0.0.0/8"),
        {"eks-cilium:cilium.nativeRoutingCidr": "nothing while pods are not masqueraded"},
    ),
    Bad(
        "a native network that does not hold the VPC's",
        _cilium(masquerade="on", nativeRoutingCidr="10.64.0.0/10"),
        {"eks-cilium:cilium.nativeRoutingCidr": "a network that holds the VPC's, 10.0.0.0/16"},
    ),
    Bad(
        "a native network that holds the internet",
        _cilium(masquerade="on", nativeRoutingCidr="0.0.0.0/0"),
        {"eks-cilium:cilium.nativeRoutingCidr": "a network of /8 or narrower"},
    ),
    Bad(
        "the chart's own key for the native network",
        _cilium(masquerade="on", values={"ipv4NativeRoutingCIDR": "10.0.0.0/8"}),
        {"eks-cilium:cilium.values.ipv4NativeRoutingCIDR": "cilium.nativeRoutingCidr"},
    ),
    Bad(
        "no AL2 image any more",
        _group(amiType="AL2_x86_64"),
        {f"{_GROUP}.amiType": "no AL2 image for Kubernetes 1.34"},
    ),
    Bad(
        "image of another Kubernetes",
        _group(releaseVersion="1.33.0-20250915"),
        {f"{_GROUP}.releaseVersion": "1.34"},
    ),
    Bad(
        "reserved label",
        _group(labels={"eks.amazonaws.com/x": "y"}),
        {f'{_GROUP}.labels["eks.amazonaws.com/x"]': "outside"},
    ),
    Bad("label misspelled", _group(labels={"team": "a b"}), {f"{_GROUP}.labels.team": "label key and value"}),
    Bad(
        "the start-up taint again",
        _group(taints=[{"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"}]),
        {f"{_GROUP}.taints[0]": "every node gets this one"},
    ),
    Bad(
        "reserved taint",
        _group(taints=[{"key": "node.kubernetes.io/x", "effect": "PREFER_NO_SCHEDULE"}]),
        {f"{_GROUP}.taints[0]": "outside kubernetes.io"},
    ),
    Bad(
        "effect in Kubernetes' spelling",
        _group(taints=[{"key": "a", "effect": "NoSchedule"}]),
        {f"{_GROUP}.taints[0].effect": "NO_SCHEDULE"},
    ),
    Bad(
        "nowhere to run CoreDNS",
        _group(taints=[{"key": "dedicated", "value": "batch", "effect": "NO_SCHEDULE"}]),
        {f"{_GROUP}.taints": "for Cilium's operator and CoreDNS"},
    ),
    Bad("disk too small", _group(diskSize=8), {f"{_GROUP}.diskSize": "20 to 16384"}),
    # Cilium.
    Bad(
        "Cilium version unknown",
        _cilium(version="1.14.19"),
        {"eks-cilium:cilium.version": "1.15.x to 1.20.x"},
    ),
    Bad("Cilium version missing", _cilium(version=REMOVED), {"eks-cilium:cilium.version": "not set"}),
    Bad("cluster id above 127", _cilium(clusterId=128), {"eks-cilium:cilium.clusterId": "AWS owns"}),
    Bad(
        "charts in the clear",
        _cilium(chartRepository="http://charts"),
        {"eks-cilium:cilium.chartRepository": "https://"},
    ),
    Bad(
        "eth0 on AL2023",
        _group(subnets="public") | _cilium(egressMasqueradeInterfaces="eth0"),
        {"eks-cilium:cilium.egressMasqueradeInterfaces": "the interfaces of AL2023 begin with ens"},
    ),
    Bad(
        "interfaces without masquerading",
        _cilium(egressMasqueradeInterfaces="ens+"),
        {"eks-cilium:cilium.egressMasqueradeInterfaces": "nothing while pods are not masqueraded"},
    ),
    Bad(
        "public nodes without masquerading",
        _group(subnets="public") | _cilium(masquerade="off"),
        {"eks-cilium:cilium.masquerade": "internet gateway drops pod addresses"},
    ),
    Bad(
        "two image families with masquerading",
        {"nodeGroups": {"system": {"subnets": "public"}, "more": {"amiType": "BOTTLEROCKET_x86_64"}}},
        {f"{_GROUP}.amiType": "found AL2023, Bottlerocket"},
    ),
    Bad(
        "kube-proxy twice",
        {"kubeProxy": {"version": "v1.34.0-eksbuild.2"}},
        {"eks-cilium:kubeProxy": "nothing while cilium.kubeProxyReplacement is true"},
    ),
    Bad(
        "no kube-proxy at all",
        _cilium(kubeProxyReplacement=False),
        {"eks-cilium:kubeProxy.version": "a version of the kube-proxy add-on"},
    ),
    Bad(
        "kube-proxy of another Kubernetes",
        _cilium(kubeProxyReplacement=False) | {"kubeProxy": {"version": "v1.33.0-eksbuild.2"}},
        {"eks-cilium:kubeProxy.version": "a build for Kubernetes 1.34"},
    ),
    Bad(
        "prefixes on old instances",
        _group(instanceTypes=["t2.large"]) | _cilium(prefixDelegation=True),
        {f"{_GROUP}.instanceTypes[0]": "Nitro"},
    ),
    Bad(
        "UI without Relay",
        _cilium(hubble={"ui": True}),
        {"eks-cilium:cilium.hubble.ui": "hubble.relay is false"},
    ),
    Bad(
        "Relay without Hubble",
        _cilium(hubble={"enabled": False, "relay": True}),
        {"eks-cilium:cilium.hubble.relay": "hubble.enabled is false"},
    ),
    Bad(
        "more operators than nodes",
        _cilium(operatorReplicas=3),
        {"eks-cilium:cilium.operatorReplicas": "at most 2"},
    ),
    Bad(
        "value unknown to the chart",
        _cilium(values={"bandwithManager": {"enabled": True}}),
        {"eks-cilium:cilium.values.bandwithManager": "rename bandwithManager to bandwidthManager"},
    ),
    Bad(
        "value the chart has dropped",
        _cilium(values={"containerRuntime": {"integration": "crio"}}),
        {"eks-cilium:cilium.values.containerRuntime": "the chart 1.19.7"},
    ),
    Bad(
        "object where the chart wants a value",
        _cilium(values={"l7Proxy": {"enabled": False}}),
        {"eks-cilium:cilium.values.l7Proxy": "does not know"},
    ),
    Bad(
        "overlay by value",
        _cilium(values={"tunnelProtocol": "vxlan"}),
        {"eks-cilium:cilium.values.tunnelProtocol": "natively routed"},
    ),
    Bad(
        "other addresses by value",
        _cilium(values={"ipam": {"mode": "kubernetes"}}),
        {"eks-cilium:cilium.values.ipam": "nothing:"},
    ),
    Bad(
        "chaining by value",
        _cilium(values={"cni": {"chainingMode": "aws-cni"}}),
        {"eks-cilium:cilium.values.cni.chainingMode": "the only CNI"},
    ),
    Bad(
        "host ports served twice",
        _cilium(values={"cni": {"chainingMode": "portmap"}}),
        {"eks-cilium:cilium.values.cni.chainingMode": "Cilium then serves host ports itself"},
    ),
    Bad(
        "routes left to another plugin",
        _cilium(values={"cni": {"externalRouting": True}}),
        {"eks-cilium:cilium.values.cni.externalRouting": "natively routed"},
    ),
    Bad(
        "cluster id by value",
        _cilium(values={"cluster": {"id": 200}}),
        {"eks-cilium:cilium.values.cluster.id": "then set eks-cilium:cilium.clusterId"},
    ),
    Bad(
        "a hook that never ends",
        _cilium(values={"hubble": {"tls": {"auto": {"method": "cronJob"}}}}),
        {"eks-cilium:cilium.values.hubble.tls.auto.method": "before there is a node"},
    ),
    # Add-ons.
    Bad(
        "CoreDNS not pinned",
        {"coredns": {"version": "latest"}},
        {"eks-cilium:coredns.version": "describe-addon-versions"},
    ),
    Bad("CoreDNS missing", {"coredns": REMOVED}, {"eks-cilium:coredns": "not set"}),
    # Add-ons.
    Bad(
        "add-on of a key of its own",
        _cluster(addons={"coredns": {}, "kube-proxy": {}, "vpc-cni": {}}),
        {
            "eks-cilium:cluster.addons.coredns": "eks-cilium:coredns configures this one",
            "eks-cilium:cluster.addons.kube-proxy": "eks-cilium:kubeProxy configures this one",
            "eks-cilium:cluster.addons.vpc-cni": "Cilium is the only CNI in this mode",
        },
    ),
    Bad(
        "add-on of the VPC CNI beside the chained one",
        _cluster(addons={"vpc-cni": {}}),
        {"eks-cilium:cluster.addons.vpc-cni": "eks-cilium:vpcCni configures this one"},
        GOOD_NEW_CHAINING,
    ),
    Bad(
        "add-on that installs Cilium",
        _cluster(addons={"isovalent_cilium": {}}),
        {"eks-cilium:cluster.addons.isovalent_cilium": "installs Cilium itself"},
    ),
    Bad(
        "add-on misspelled",
        _cluster(addons={"Metrics.Server": {}}),
        {'eks-cilium:cluster.addons["Metrics.Server"]': "the name of an EKS add-on"},
    ),
    Bad(
        "add-on version that is none",
        _cluster(addons={"metrics-server": {"version": "newest"}}),
        {"eks-cilium:cluster.addons.metrics-server.version": "or latest"},
    ),
    Bad(
        "add-on values as text",
        _cluster(addons={"metrics-server": {"configurationValues": '{"replicas": 3}'}}),
        {"eks-cilium:cluster.addons.metrics-server.configurationValues": "describe-addon-configuration"},
    ),
    Bad(
        "add-on conflicts preserved at creation",
        _cluster(addons={"metrics-server": {"resolveConflictsOnCreate": "PRESERVE"}}),
        {"eks-cilium:cluster.addons.metrics-server.resolveConflictsOnCreate": "NONE or OVERWRITE"},
    ),
    Bad(
        "add-on with two roles",
        _cluster(
            addons={
                "aws-ebs-csi-driver": {
                    "serviceAccountRoleArn": "arn:aws:iam::111122223333:role/ebs",
                    "role": _EBS_ROLE,
                }
            }
        ),
        {"eks-cilium:cluster.addons.aws-ebs-csi-driver.serviceAccountRoleArn": "nothing beside role"},
    ),
    Bad(
        "add-on role that is none",
        _cluster(addons={"aws-ebs-csi-driver": {"serviceAccountRoleArn": "ebs"}}),
        {"eks-cilium:cluster.addons.aws-ebs-csi-driver.serviceAccountRoleArn": "the ARN of an IAM role"},
    ),
    Bad(
        "add-on role for no service account",
        _cluster(addons={"aws-ebs-csi-driver": {"role": _EBS_ROLE | {"serviceAccount": "ebs"}}}),
        {"eks-cilium:cluster.addons.aws-ebs-csi-driver.role.serviceAccount": "namespace/name"},
    ),
    Bad(
        "add-on policy twice",
        _cluster(addons={"aws-ebs-csi-driver": {"role": _EBS_ROLE | {"policyArns": [_EBS_POLICY] * 2}}}),
        {"eks-cilium:cluster.addons.aws-ebs-csi-driver.role.policyArns": "every policy once"},
    ),
    Bad(
        "add-on role without policies",
        _cluster(addons={"aws-ebs-csi-driver": {"role": _EBS_ROLE | {"policyArns": []}}}),
        {"eks-cilium:cluster.addons.aws-ebs-csi-driver.role.policyArns": "at least one policy"},
    ),
    Bad(
        "add-on policy that is none",
        _cluster(addons={"aws-ebs-csi-driver": {"role": _EBS_ROLE | {"policyArns": ["EBS"]}}}),
        {"eks-cilium:cluster.addons.aws-ebs-csi-driver.role.policyArns[0]": "IAM policies"},
    ),
]

BAD += [
    Bad(name, change, problems, GOOD_REPLACEMENT)
    for name, change, problems in (
        # The mode.
        (
            "a key of another mode",
            {"nodeGroups": {"system": {}}},
            {"eks-cilium:nodeGroups": "known here: aws:allowedAccountIds, aws:forbiddenAccountIds, aws:"},
        ),
        (
            "mode misspelled, keys of replacement",
            {"mode": "replace", "migration": {}},
            {"eks-cilium:mode": "new-cluster, chaining, replacement or mesh"},
        ),
        (
            "version of a running cluster",
            _cluster(kubernetesVersion="1.34"),
            {"eks-cilium:cluster.kubernetesVersion": "no such key; known here: name"},
        ),
        ("cluster missing", {"cluster": REMOVED}, {"eks-cilium:cluster": "not set"}),
        ("no name EKS has", _cluster(name="a b"), {"eks-cilium:cluster.name": "the name of an EKS cluster"}),
        (
            "a name Cilium does not take",
            _cluster(name="Production_EU"),
            {"eks-cilium:cilium.clusterName": "'eks-cilium:cilium.clusterName' production-eu"},
        ),
        (
            "another name Cilium does not take",
            _cilium(clusterName="Production"),
            {"eks-cilium:cilium.clusterName": "1 to 32 lower-case letters"},
        ),
        # Cilium beside another CNI.
        (
            "kube-proxy replaced on the way",
            _cilium(kubeProxyReplacement=True),
            {"eks-cilium:cilium.kubeProxyReplacement": "false in this mode"},
        ),
        (
            "kube-proxy replaced by value",
            _cilium(values={"kubeProxyReplacement": "true"}),
            {"eks-cilium:cilium.values.kubeProxyReplacement": "kube-proxy stays until"},
        ),
        (
            "agents somewhere else",
            _cilium(values={"affinity": {"nodeAffinity": {}}}),
            {"eks-cilium:cilium.values.affinity": "but those that are still to be replaced"},
        ),
        (
            "agents on some nodes only",
            _cilium(values={"nodeSelector": {"pool": "a"}}),
            {"eks-cilium:cilium.values.nodeSelector": "agents run on every node"},
        ),
        (
            "the watcher that deletes CoreDNS",
            _cilium(values={"operator": {"unmanagedPodWatcher": {"restart": True}}}),
            {"eks-cilium:cilium.values.operator.unmanagedPodWatcher": "would keep deleting CoreDNS"},
        ),
        (
            "cluster name by value",
            _cilium(values={"cluster": {"name": "x"}}),
            {"eks-cilium:cilium.values.cluster.name": "then set eks-cilium:cilium.clusterName"},
        ),
        (
            "interfaces without masquerading, running cluster",
            _cilium(masquerade="off", egressMasqueradeInterfaces="ens+"),
            {"eks-cilium:cilium.egressMasqueradeInterfaces": "nothing while cilium.masquerade is off"},
        ),
        (
            "a native network of a running cluster that does not masquerade",
            _cilium(masquerade="off", nativeRoutingCidr="10.0.0.0/8"),
            {"eks-cilium:cilium.nativeRoutingCidr": "nothing while cilium.masquerade is off"},
        ),
        (
            "a native network that holds half of the internet",
            _cilium(nativeRoutingCidr="0.0.0.0/1"),
            {"eks-cilium:cilium.nativeRoutingCidr": "a network of /8 or narrower"},
        ),
        (
            "charts in the clear, running cluster",
            _cilium(chartRepository="http://charts"),
            {"eks-cilium:cilium.chartRepository": "https://"},
        ),
        (
            "a subnet misspelled",
            _cilium(subnetIds=["subnet-1"]),
            {"eks-cilium:cilium.subnetIds[0]": "a list of subnet ids"},
        ),
        # The migration.
        (
            "target unknown",
            _migration(target="calico"),
            {"eks-cilium:migration.target": "cilium or aws-vpc-cni"},
        ),
        (
            "capacity unknown",
            _migration(capacity="standby"),
            {"eks-cilium:migration.capacity": "surge or decrement"},
        ),
        ("no extra node", _migration(surge=0), {"eks-cilium:migration.surge": "1 to 100"}),
        ("too many at once", _migration(parallel=101), {"eks-cilium:migration.parallel": "1 to 100, or"}),
        ("a share of nothing", _migration(parallel="0%"), {"eks-cilium:migration.parallel": "from 1% to"}),
        ("no share", _migration(surge="10 %"), {"eks-cilium:migration.surge": "a percentage of each"}),
        ("half a node", _migration(surge=1.5), {"eks-cilium:migration.surge": "1 to 100"}),
        ("no journal", _migration(journal=""), {"eks-cilium:migration.journal": "a path"}),
        (
            "a drain in no time",
            _migration(drainTimeoutSeconds=5),
            {"eks-cilium:migration.drainTimeoutSeconds": "60 to 86400"},
        ),
        (
            "a new node in no time",
            _migration(replacementTimeoutSeconds=5),
            {"eks-cilium:migration.replacementTimeoutSeconds": "60 to 7200"},
        ),
        (
            "healthy in no time",
            _migration(healthTimeoutSeconds="soon"),
            {"eks-cilium:migration.healthTimeoutSeconds": "30 to 7200"},
        ),
        (
            "waits for a time",
            _migration(waitUntilHealthy=30),
            {"eks-cilium:migration.waitUntilHealthy": "true or false"},
        ),
        ("no reading", _migration(settleReadings=0), {"eks-cilium:migration.settleReadings": "1 to 20"}),
        (
            "drain timeout misspelled",
            _migration(drainTimeoutSecond=900),
            {"eks-cilium:migration.drainTimeoutSecond": "rename drainTimeoutSecond to drainTimeoutSeconds"},
        ),
        (
            "an unknown exception",
            _migration(allow={"barePod": ["debug/*"]}),
            {"eks-cilium:migration.allow.barePod": "rename barePod to barePods"},
        ),
        (
            "everything allowed",
            _migration(allow=True),
            {"eks-cilium:migration.allow": "an object"},
        ),
        (
            "bare pods allowed outright",
            _migration(allow={"barePods": True}),
            {"eks-cilium:migration.allow.barePods": "a list of patterns namespace/name"},
        ),
        (
            "a pattern without a namespace",
            _migration(allow={"localStorage": ["cache-*"]}),
            {"eks-cilium:migration.allow.localStorage[0]": "namespace/name"},
        ),
        (
            "a number for a pattern",
            _migration(allow={"localStorage": [5]}),
            {"eks-cilium:migration.allow.localStorage[0]": "allow.localStorage[0]' 'web/cache-*'"},
        ),
        (
            "a volume with a namespace",
            _migration(allow={"scratchVolumes": ["shop/tmp"]}),
            {"eks-cilium:migration.allow.scratchVolumes[0]": "patterns of volume names"},
        ),
        (
            "do not disrupt allowed outright",
            _migration(allow={"doNotDisrupt": True}),
            {"eks-cilium:migration.allow.doNotDisrupt": "a list of patterns namespace/name"},
        ),
        (
            "a group with a namespace",
            _migration(allow={"lowerMinimum": ["default/workers"]}),
            {"eks-cilium:migration.allow.lowerMinimum[0]": "group names"},
        ),
        (
            "a pattern twice",
            _migration(allow={"budgets": ["legacy/single", "legacy/single"]}),
            {"eks-cilium:migration.allow.budgets[1]": "every pattern once"},
        ),
        (
            "a tag AWS keeps, running cluster",
            {"tags": {"aws:a": "b"}},
            {'eks-cilium:tags["aws:a"]': "without aws:"},
        ),
    )
]


def _refresh(**keys: Any) -> dict[str, Any]:
    return {"refresh": keys}


def _chained(**values: Any) -> dict[str, Any]:
    return {"cilium": {"values": values}}


BAD += [
    Bad(name, change, problems, GOOD_CHAINING)
    for name, change, problems in (
        (
            "mode misspelled, keys of chaining",
            {"mode": "chained"},
            {"eks-cilium:mode": "new-cluster, chaining, replacement or mesh"},
        ),
        (
            "a key of replacement",
            {"migration": {}},
            {"eks-cilium:migration": "aws:profile, aws:region, cilium, cluster, mode, peerCidrs"},
        ),
        (
            "masquerading where the VPC CNI does it",
            {"cilium": {"masquerade": "on"}},
            {"eks-cilium:cilium.masquerade": "no such key"},
        ),
        (
            "a name Cilium does not take, chained",
            {"cluster": {"name": "Production_EU"}},
            {"eks-cilium:cilium.clusterName": "'eks-cilium:cilium.clusterName' production-eu"},
        ),
        # Values that would break the chain.
        (
            "Cilium's configuration alone",
            _chained(cni={"exclusive": True}),
            {"eks-cilium:cilium.values.cni.exclusive": "it has to be false: otherwise Cilium disables"},
        ),
        (
            "masquerading by value",
            _chained(enableIPv4Masquerade=True),
            {"eks-cilium:cilium.values.enableIPv4Masquerade": "it has to be false: pods have addresses"},
        ),
        (
            "another chain",
            _chained(cni={"chainingMode": "generic-veth"}),
            {"eks-cilium:cilium.values.cni.chainingMode": "Cilium is chained to it"},
        ),
        (
            "a pool by value",
            _chained(ipam={"operator": {"clusterPoolIPv4PodCIDRList": ["10.0.0.0/8"]}}),
            {
                "eks-cilium:cilium.values.ipam.operator.clusterPoolIPv4PodCIDRList": (
                    "have to be outside every VPC"
                )
            },
        ),
        (
            "interfaces of Cilium's own",
            _chained(eni={"enabled": True}),
            {"eks-cilium:cilium.values.eni": "the VPC CNI makes the network interfaces"},
        ),
        (
            "an overlay over the chain",
            _chained(routingMode="tunnel"),
            {"eks-cilium:cilium.values.routingMode": "Cilium is chained to it"},
        ),
        (
            "masquerading in eBPF",
            _chained(bpf={"masquerade": True}),
            {"eks-cilium:cilium.values.bpf.masquerade": "the VPC CNI masquerades already"},
        ),
        (
            "the watcher, chained",
            _chained(operator={"unmanagedPodWatcher": {"restart": True}}),
            {"eks-cilium:cilium.values.operator.unmanagedPodWatcher": "would delete CoreDNS before its turn"},
        ),
        (
            "no endpoints to count",
            _chained(disableEndpointCRD=True),
            {"eks-cilium:cilium.values.disableEndpointCRD": "counted by their CiliumEndpoints"},
        ),
        (
            "IPsec by value, chained",
            _chained(encryption={"enabled": True, "type": "ipsec"}),
            {
                "eks-cilium:cilium.values.encryption.enabled": "then set eks-cilium:cilium.encryption",
                "eks-cilium:cilium.values.encryption.type": "then set eks-cilium:cilium.encryption",
            },
        ),
        # The pool and the peers.
        (
            "a pool a peer has addresses of",
            {"cilium": {"pool": "10.2.0.0/16"}},
            {"eks-cilium:cilium.pool": "shared with peer 10.2.0.0/16"},
        ),
        (
            "a pool of the chart's size",
            {"cilium": {"pool": "11.0.0.0/8"}},
            {"eks-cilium:cilium.pool": "a network of /10 to /20"},
        ),
        (
            "a pool for a handful of nodes",
            {"cilium": {"pool": "198.19.0.0/24"}},
            {"eks-cilium:cilium.pool": "every node takes a /27"},
        ),
        (
            "a pool with host bits",
            {"cilium": {"pool": "198.19.0.1/16"}},
            {"eks-cilium:cilium.pool": "outside the VPC"},
        ),
        (
            "a peer twice",
            {"peerCidrs": ["10.2.0.0/16", "10.2.0.0/16"]},
            {"eks-cilium:peerCidrs[1]": "every network once"},
        ),
        (
            "a peer misspelled",
            {"peerCidrs": ["10.2/16"]},
            {"eks-cilium:peerCidrs[0]": "a list of IPv4 networks"},
        ),
        (
            "no build of the VPC CNI",
            {"vpcCni": {"version": "1.20"}},
            {"eks-cilium:vpcCni.version": "such as v1.20.5-eksbuild.1"},
        ),
        # The refresh.
        ("no workload at once", _refresh(parallel=0), {"eks-cilium:refresh.parallel": "1 to 16"}),
        ("Jobs restarted", _refresh(jobs="restart"), {"eks-cilium:refresh.jobs": "wait or leave"}),
        ("round zero", _refresh(round=0), {"eks-cilium:refresh.round": "a whole number from 1"}),
        (
            "healthy in no time, chained",
            _refresh(healthTimeoutSeconds=1),
            {"eks-cilium:refresh.healthTimeoutSeconds": "30 to 7200"},
        ),
        (
            "Jobs in no time",
            _refresh(jobTimeoutSeconds=1),
            {"eks-cilium:refresh.jobTimeoutSeconds": "60 to 86400"},
        ),
        (
            "an eviction twice",
            _refresh(evict=["web/a", "web/a"]),
            {"eks-cilium:refresh.evict[1]": "every pattern once"},
        ),
        (
            "an exception twice",
            _refresh(allow={"barePods": ["web/a", "web/a"]}),
            {"eks-cilium:refresh.allow.barePods[1]": "every pattern once"},
        ),
        (
            "an exception of replacement",
            _refresh(allow={"lowerMinimum": ["workers"]}),
            {"eks-cilium:refresh.allow.lowerMinimum": "no such key"},
        ),
    )
]

BAD += [
    *(
        Bad(f"mesh: {name}", change, {f"eks-cilium:{key}": part}, base=GOOD_MESH)
        for name, change, key, part in (
            ("one cluster", {"clusters": {"cluster-2": REMOVED}}, "clusters", "2 to 8 clusters"),
            (
                "nine clusters",
                {"clusters": {f"c-{number}": {"name": f"c-{number}"} for number in range(7)}},
                "clusters",
                "2 to 8 clusters",
            ),
            ("no clusters", {"clusters": REMOVED}, "clusters", "two or more clusters"),
            (
                "a name Cilium does not take",
                {"clusters": {"Cluster_3": {"name": "three"}}},
                "clusters.Cluster_3",
                "32 lower-case letters",
            ),
            (
                "the name every Cilium begins with",
                {"clusters": {"default": {"name": "three"}}},
                "clusters.default",
                "any other name",
            ),
            (
                "found two ways",
                {"clusters": {"cluster-1": {"name": "dev"}}},
                "clusters.cluster-1.stack",
                "nothing while `name` is set",
            ),
            ("found no way", {"clusters": {"cluster-3": {}}}, "clusters.cluster-3.stack", "under `name`"),
            (
                "a stack without its organization",
                {"clusters": {"cluster-1": {"stack": "dev"}}},
                "clusters.cluster-1.stack",
                "organization/project/stack",
            ),
            (
                "one cluster twice",
                {"clusters": {"cluster-3": {"name": "production"}}},
                "clusters.cluster-3",
                "another cluster than cluster-2",
            ),
            (
                "one cluster twice, its region written out",
                {"clusters": {"cluster-3": {"name": "production", "region": "eu-central-1"}}},
                "clusters.cluster-3",
                "another cluster than cluster-2",
            ),
            (
                "a region that is none",
                {"clusters": {"cluster-2": {"region": "europe"}}},
                "clusters.cluster-2.region",
                "an AWS region",
            ),
            (
                "a route table that is none",
                {"clusters": {"cluster-2": {"routeTableIds": ["main"]}}},
                "clusters.cluster-2.routeTableIds[0]",
                "route table ids",
            ),
            ("an unknown connection", {"connection": {"type": "vpn"}}, "connection.type", "peering or"),
            (
                "a gateway without its type",
                {"connection": {"transitGatewayId": "tgw-0123456789abcdef0"}},
                "connection.transitGatewayId",
                "nothing while connection.type is peering",
            ),
            (
                "a gateway that is none",
                {"connection": {"type": "transit-gateway", "transitGatewayId": "gateway"}},
                "connection.transitGatewayId",
                "the id of a Transit Gateway",
            ),
            (
                "a port that is none",
                {"connection": {"podPorts": ["http"]}},
                "connection.podPorts[0]",
                "8080/TCP",
            ),
            (
                "a port that does not exist",
                {"connection": {"podPorts": ["70000/TCP"]}},
                "connection.podPorts[0]",
                "a port such as",
            ),
            (
                "a port twice",
                {"connection": {"podPorts": ["80/TCP", "80/TCP"]}},
                "connection.podPorts[1]",
                "every port once",
            ),
            (
                "an internet-facing scheme",
                {"clusterMesh": {"scheme": "internet-facing"}},
                "clusterMesh.scheme",
                "never belongs on the internet",
            ),
            (
                "an internet-facing annotation",
                {
                    "clusterMesh": {
                        "serviceAnnotations": {
                            "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"
                        }
                    }
                },
                'clusterMesh.serviceAnnotations["service.beta.kubernetes.io/aws-load-balancer-scheme"]',
                "load balancers are internal",
            ),
            (
                "an annotation that opens the other controller's",
                {
                    "clusterMesh": {
                        "serviceAnnotations": {
                            "service.beta.kubernetes.io/aws-load-balancer-internal": "false"
                        }
                    }
                },
                'clusterMesh.serviceAnnotations["service.beta.kubernetes.io/aws-load-balancer-internal"]',
                "load balancers are internal",
            ),
            (
                "the load balancers' subnets",
                {
                    "clusterMesh": {
                        "serviceAnnotations": {
                            "service.beta.kubernetes.io/aws-load-balancer-subnets": "subnet-0123456789abcdef0"
                        }
                    }
                },
                'clusterMesh.serviceAnnotations["service.beta.kubernetes.io/aws-load-balancer-subnets"]',
                "kubernetes.io/role/internal-elb=1 chooses",
            ),
            (
                "internet-facing by another name",
                {"clusterMesh": {"serviceAnnotations": {"example.com/scheme": "Internet-Facing"}}},
                'clusterMesh.serviceAnnotations["example.com/scheme"]',
                "anything but internet-facing",
            ),
            (
                "an intent that neither allows only nor denies",
                {"policies": {"intents": [_INTENT]}},
                "policies.intents[0].enableDefaultDeny.egress",
                "from Cilium 1.16 on",
            ),
            (
                "an issuer that is not trusted",
                {"clusterMesh": {"authorities": {"issuing": 2}}},
                "clusterMesh.authorities.trusted",
                "a list with 2 in it",
            ),
            (
                "an authority twice",
                {"clusterMesh": {"authorities": {"trusted": [1, 1]}}},
                "clusterMesh.authorities.trusted",
                "one or two different",
            ),
            (
                "three authorities",
                {"clusterMesh": {"authorities": {"trusted": [1, 2, 3]}}},
                "clusterMesh.authorities.trusted",
                "one or two different",
            ),
            (
                "a zone without an owner",
                {"clusterMesh": {"zoneOwner": "cluster-9"}},
                "clusterMesh.zoneOwner",
                "one of cluster-1, cluster-2",
            ),
            ("too many replicas", {"clusterMesh": {"replicas": 9}}, "clusterMesh.replicas", "1 to 3"),
            (
                "charts without TLS",
                {"clusterMesh": {"chartRepository": "http://example.com"}},
                "clusterMesh.chartRepository",
                "https:// repository",
            ),
            ("an unknown key", {"clusterMesh": {"schem": "internal"}}, "clusterMesh.schem", "no such key"),
            ("a key of another mode", {"cilium": {}}, "cilium", "no such key"),
        )
    ),
]

BAD += [
    Bad(name, change, problems, GOOD_NEW_CHAINING)
    for name, change, problems in (
        (
            "a refresh where nothing runs yet",
            {"refresh": {"parallel": 2}},
            {"eks-cilium:refresh": "no such key"},
        ),
        (
            "no component serves Services of a new chain",
            {"kubeProxy": REMOVED},
            {"eks-cilium:kubeProxy": "not set"},
        ),
        ("no VPC CNI to chain to", {"vpcCni": REMOVED}, {"eks-cilium:vpcCni": "not set"}),
        (
            "kube-proxy of another Kubernetes, chained",
            {"kubeProxy": {"version": "v1.33.0-eksbuild.2"}},
            {"eks-cilium:kubeProxy.version": "a build for Kubernetes 1.34"},
        ),
        (
            "a VPC CNI too old",
            {"vpcCni": {"version": "v1.11.1-eksbuild.1"}},
            {"eks-cilium:vpcCni.version": "v1.11.2 or newer"},
        ),
        (
            "a pool inside the VPC",
            {"cilium": {"pool": "10.0.64.0/20"}},
            {"eks-cilium:cilium.pool": "shared with the VPC 10.0.0.0/16"},
        ),
        (
            "a pool among Services",
            {"cilium": {"pool": "172.20.0.0/20"}},
            {"eks-cilium:cilium.pool": "shared with the network of Services 172.20.0.0/16"},
        ),
        (
            "a pool that runs out",
            {
                "cilium": {"pool": "198.19.0.0/20"},
                "nodeGroups": {"system": {"maxSize": 200}},
            },
            {"eks-cilium:cilium.pool": "a network for the 206 nodes there may be; this one suffices for 128"},
        ),
        (
            "the name by value",
            _chained(cluster={"name": "other"}),
            {"eks-cilium:cilium.values.cluster.name": "then set eks-cilium:cluster.name"},
        ),
        (
            "a name of its own in Cilium",
            {"cilium": {"clusterName": "other"}},
            {"eks-cilium:cilium.clusterName": "no such key"},
        ),
        (
            "interfaces of Cilium's own in a new chain",
            {"cilium": {"prefixDelegation": True}},
            {"eks-cilium:cilium.prefixDelegation": "no such key"},
        ),
        (
            "an image that is not made any more, chained",
            {"nodeGroups": {"system": {"amiType": "AL2_x86_64"}}},
            {"eks-cilium:nodeGroups.system.amiType": "no AL2 image for Kubernetes 1.34"},
        ),
    )
]

GOOD_OVERLAY: dict[str, Any] = changed(
    GOOD, {"cilium": {"ipam": "cluster-pool", "overlay": {"podCidrs": ["10.64.0.0/14"]}}}
)


def _overlay(**keys: Any) -> dict[str, Any]:
    return {"cilium": {"overlay": keys}}


_CIDRS = "eks-cilium:cilium.overlay.podCidrs"

BAD += [
    Bad(
        "addresses from nowhere",
        _cilium(ipam="kubernetes"),
        {"eks-cilium:cilium.ipam": "allowed: eni or cluster-pool"},
    ),
    Bad(
        "an overlay without its mode",
        _overlay(podCidrs=["10.64.0.0/14"]),
        {"eks-cilium:cilium.overlay": "pulumi config set --path 'eks-cilium:cilium.ipam' cluster-pool"},
    ),
    Bad(
        "an overlay in a replacement",
        _cilium(ipam="cluster-pool"),
        {"eks-cilium:cilium.ipam": "pods behind the VPC CNI cannot reach addresses of an overlay"},
        GOOD_REPLACEMENT,
    ),
    *(
        Bad(
            f"an overlay {where}",
            _cilium(ipam="cluster-pool"),
            {"eks-cilium:cilium.ipam": "chained to it"},
            base,
        )
        for where, base in (("when chained", GOOD_CHAINING), ("in a new chained cluster", GOOD_NEW_CHAINING))
    ),
    *(
        Bad(f"overlay: {name}", change, problems, GOOD_OVERLAY)
        for name, change, problems in (
            (
                "no networks",
                _cilium(overlay=REMOVED),
                {_CIDRS: 'set eks-cilium:cilium.overlay.podCidrs to ["10.1.0.0/19"]'},
            ),
            (
                "networks with host bits",
                _overlay(podCidrs=["10.64.0.1/14"]),
                {f"{_CIDRS}[0]": "a list of IPv4"},
            ),
            (
                "addresses of the VPC",
                _overlay(podCidrs=["10.0.0.0/12"]),
                {f"{_CIDRS}[0]": "shared with network.cidr 10.0.0.0/16"},
            ),
            (
                "addresses of Services",
                _overlay(podCidrs=["172.16.0.0/12"]),
                {f"{_CIDRS}[0]": "shared with cluster.serviceCidr 172.20.0.0/16"},
            ),
            (
                "one network twice",
                _overlay(podCidrs=["10.64.0.0/14", "10.65.0.0/16"]),
                {f"{_CIDRS}[1]": "shared with podCidrs 10.64.0.0/14"},
            ),
            (
                "addresses of the internet",
                _overlay(podCidrs=["11.0.0.0/14"]),
                {f"{_CIDRS}[0]": "inside 10.0.0.0/8"},
            ),
            (
                "addresses of AWS's own services",
                _overlay(podCidrs=["169.254.0.0/16"]),
                {f"{_CIDRS}[0]": "a network inside"},
            ),
            (
                "a network that is smaller than a node's part",
                _overlay(podCidrs=["10.64.0.0/25"]),
                {f"{_CIDRS}[0]": "holds a /24 for each node"},
            ),
            (
                "networks for a handful of nodes",
                _overlay(podCidrs=["10.64.0.0/22", "10.65.0.0/22"]),
                {_CIDRS: "for the 9 nodes there may be"},
            ),
            (
                "parts that hold fewer pods than a node takes",
                _overlay(nodeMaskSize=26),
                {"eks-cilium:cilium.overlay.nodeMaskSize": "25 or less, as nodes of system take 110 pods"},
            ),
            (
                "parts that hold fewer pods than a large node takes",
                {**_overlay(nodeMaskSize=25), **_group(instanceTypes=["m7i.12xlarge"])},
                {"eks-cilium:cilium.overlay.nodeMaskSize": "24 or less, as nodes of system take 250 pods"},
            ),
            (
                "a part for one pod",
                _overlay(nodeMaskSize=31),
                {"eks-cilium:cilium.overlay.nodeMaskSize": "20 to 28"},
            ),
            (
                "another protocol",
                _overlay(protocol="ipip"),
                {"eks-cilium:cilium.overlay.protocol": "vxlan (UDP"},
            ),
            (
                "addresses of pods outside",
                _cilium(masquerade="off"),
                {"eks-cilium:cilium.masquerade": "the VPC drops what leaves a node"},
            ),
            (
                "keys of network interfaces",
                _cilium(
                    prefixDelegation=True, egressMasqueradeInterfaces="ens+", nativeRoutingCidr="10.0.0.0/8"
                ),
                dict.fromkeys(
                    (
                        "eks-cilium:cilium.prefixDelegation",
                        "eks-cilium:cilium.egressMasqueradeInterfaces",
                        "eks-cilium:cilium.nativeRoutingCidr",
                    ),
                    "nothing while cilium.ipam is cluster-pool",
                ),
            ),
            (
                "answers past the tunnels",
                _cilium(values={"loadBalancer": {"mode": "dsr"}}),
                {"eks-cilium:cilium.values.loadBalancer.mode": "snat where nodes have VXLAN tunnels"},
            ),
            (
                "answers past the tunnels, not dispatched",
                _cilium(values={"loadBalancer": {"mode": "hybrid"}}, overlay={"protocol": "geneve"}),
                {"eks-cilium:cilium.values.loadBalancer.mode": "loadBalancer.dsrDispatch geneve"},
            ),
            *(
                (f"{key} by value", _cilium(values=values), {f"eks-cilium:cilium.values.{key}": says})
                for key, values, says in (
                    ("ipam", {"ipam": {"mode": "kubernetes"}}, "then set eks-cilium:cilium.overlay"),
                    ("eni", {"eni": {"enabled": True}}, "pods get addresses of an overlay"),
                    ("routingMode", {"routingMode": "native"}, "connect it through tunnels"),
                    ("tunnelProtocol", {"tunnelProtocol": "geneve"}, "eks-cilium:cilium.overlay.protocol"),
                    ("tunnelPort", {"tunnelPort": 8473}, "open the protocol's own port"),
                    (
                        "installNoConntrackIptablesRules",
                        {"installNoConntrackIptablesRules": True},
                        "do not start with it",
                    ),
                    ("ipMasqAgent", {"ipMasqAgent": {"enabled": True}}, "the VPC routes none of them"),
                    ("ipv4NativeRoutingCIDR", {"ipv4NativeRoutingCIDR": "10.0.0.0/8"}, "the VPC routes none"),
                )
            ),
        )
    ),
]
