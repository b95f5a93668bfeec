"""The words for everything a plan reports, one entry for every code.

A blocker says what is wrong with the numbers, what is allowed, how to fix it, and which setting permits it.
`migration.plan.findings` fills in `{detail}`, `{count}` (of pods), `{nodes}`, `{name}`, `{pattern}` and the
`{section}` of the configuration that permits things.
"""

from __future__ import annotations

from typing import NamedTuple

from eks_cilium.migration.plan.model import Code


class Words(NamedTuple):
    """The texts of a blocker. `{detail}`, `{count}` and `{pattern}` are filled in."""

    problem: str
    allowed: str
    fix: str
    setting: str = ""


BLOCKERS = {
    Code.CLUSTER_NOT_ACTIVE: Words(
        "is {detail}", "a cluster that is ACTIVE", "wait until the change to the cluster has ended"
    ),
    Code.AUTO_MODE: Words(
        "runs EKS Auto Mode ({detail}), which brings its own network plugin and cannot use another",
        "nodes of Auto Scaling groups",
        "move the workloads to node groups and switch Auto Mode off, or leave this cluster as it is",
    ),
    Code.FARGATE_ONLY: Words(
        "has nodes on Fargate only ({detail}), where no network plugin can be replaced",
        "nodes of Auto Scaling groups",
        "add a node group and move the pods that need Cilium's policies to it",
    ),
    Code.SECURITY_GROUP_POLICY: Words(
        "gives pods security groups of their own; with Cilium they have those of their node",
        "no SecurityGroupPolicy",
        "allow what its security groups allow by CiliumNetworkPolicies, then delete it",
        "{section}.allow.securityGroupPolicies: true",
    ),
    Code.SECURITY_GROUP_POLICY_CHAINED: Words(
        "gives pods security groups of their own, and with them network interfaces that Cilium is seldom "
        "tested with (cilium/cilium#27152, #24943, #37475)",
        "no SecurityGroupPolicy",
        "allow what its security groups allow by CiliumNetworkPolicies, then delete it",
        "{section}.allow.securityGroupPolicies: true",
    ),
    Code.FARGATE_NODE: Words(
        "has {nodes} on Fargate, where Cilium cannot run",
        "nodes of Auto Scaling groups",
        "move their pods to a node group: narrow the Fargate profile's selectors, then recreate them",
        "{section}.allow.fargateNodes: true (their pods stay as they are, without Cilium)",
    ),
    Code.KARPENTER_NODE: Words(
        "its {nodes} belong to Karpenter, which makes no replacement for a node that is drained by hand",
        "nodes of Auto Scaling groups",
        "let the NodePool drift: a change to the EC2NodeClass makes Karpenter replace the nodes itself",
        "{section}.allow.karpenterNodes: true (Karpenter's nodes are left to Karpenter)",
    ),
    Code.WINDOWS_NODE: Words(
        "runs Windows, where Cilium cannot run", "Linux nodes", "move its pods to another cluster"
    ),
    Code.NO_INSTANCE: Words(
        "is no EC2 instance (provider id: {detail})",
        "nodes of Auto Scaling groups",
        "take it out of the cluster",
    ),
    Code.NO_GROUP: Words(
        "its instance {detail} is in no Auto Scaling group, so nothing would replace it",
        "nodes of Auto Scaling groups",
        "attach the instance to a group, or move its pods and take it out of the cluster",
    ),
    Code.GROUP_BEING_DELETED: Words(
        "is being deleted ({detail})", "groups that stay", "wait until it is gone, then plan anew"
    ),
    Code.PROCESS_SUSPENDED: Words(
        "its process {detail} is suspended, so no replacement would ever come",
        "Launch not suspended",
        "aws autoscaling resume-processes --auto-scaling-group-name {name} --scaling-processes Launch",
    ),
    Code.BELOW_MINIMUM: Words(
        "would shrink below its minimum: {detail}",
        "a desired capacity of at least the minimum, all the way",
        "raise migration.surge, or use `migration.capacity: surge`, which ends where it began",
        '{section}.allow.lowerMinimum: ["{pattern}"] (set back in the end)',
    ),
    Code.BARE_POD: Words(
        "nothing makes it anew once it is evicted",
        "pods that a controller stands behind",
        "run it as a Deployment, StatefulSet or Job, or delete it",
        '{section}.allow.barePods: ["{pattern}"] (it is evicted and gone)',
    ),
    Code.DAEMON_SET_GONE: Words(
        "the DaemonSet {detail} it belongs to does not exist any more",
        "pods that a controller stands behind",
        "delete the pod, or create the DaemonSet again",
        '{section}.allow.barePods: ["{pattern}"] (it is evicted and gone)',
    ),
    Code.LOCAL_STORAGE: Words(
        "what is in emptyDir volumes ({detail}) of {count} is lost by moving",
        "pods without emptyDir volumes",
        "keep what has to stay in a PersistentVolumeClaim, or make sure that it may be lost",
        '{section}.allow.localStorage: ["{pattern}"] (it is lost)',
    ),
    Code.LOCAL_VOLUME: Words(
        "volumes of {count} are on the disk of the node ({detail}) and end with it",
        "volumes that can move to another node",
        "move the data to a volume of a CSI driver and delete the local claim",
    ),
    Code.VOLUME_ZONE: Words(
        "volumes of {count} are in a zone where no new node is sure to come up: {detail}",
        "volumes in zones with a new node",
        "set migration.surge to the number of zones, or give that zone an Auto Scaling group of its own",
        '{section}.allow.strandedPods: ["{pattern}"] (the pods may stay Pending)',
    ),
    Code.PLACEMENT: Words(
        "for {count} no suitable node is sure to come up: {detail}",
        "node selectors and affinities that new nodes satisfy",
        "put the labels on the node group itself, or relax the selector",
        '{section}.allow.strandedPods: ["{pattern}"] (the pods may stay Pending)',
    ),
    Code.BUDGET_NEVER_ALLOWS: Words(
        "never allows a disruption of its {count}: {detail}",
        "a budget that leaves at least one pod when all are healthy",
        "run one replica more, or lower minAvailable, or raise maxUnavailable",
        '{section}.allow.budgets: ["{pattern}"] (its pods are deleted without asking it)',
    ),
    Code.TWO_BUDGETS: Words(
        "more than one budget ({detail}) covers {count}, and such pods the API server never evicts",
        "at most one PodDisruptionBudget for a pod",
        "narrow the selectors, or delete all budgets but one",
        '{section}.allow.budgets: ["{pattern}"] (the pods are deleted without asking the budgets)',
    ),
    Code.NO_VPC_CNI: Words(
        "has no DaemonSet kube-system/aws-node, so there is nothing to chain Cilium to",
        "a cluster whose pods the AWS VPC CNI connects",
        "use mode replacement where another CNI is to go, or install the add-on vpc-cni",
    ),
    Code.VPC_CNI_OLD: Words(
        "is version {detail}, and Cilium can be chained to 1.11.2 or newer",
        "version 1.11.2 or newer",
        "aws eks update-addon --addon-name vpc-cni --cluster-name <cluster> --addon-version <version>",
    ),
    Code.VPC_CNI_VERSION: Words(
        "is {detail}: somebody changed it, which may leave the chained configuration stale",
        "the version of eks-cilium:vpcCni.version",
        "look at the change, then set eks-cilium:vpcCni.version to the version that runs",
    ),
    Code.VPC_CNI_ENFORCES: Words(
        "enforces NetworkPolicies itself, and two enforcers on one interface contradict each other",
        "enableNetworkPolicy switched off",
        "set enableNetworkPolicy to false in the configuration of the add-on vpc-cni; until the refresh is "
        "over nobody enforces policies then",
    ),
    Code.EARLY_DEMUX: Words(
        "has TCP early demultiplexing on, which breaks probes of pods with security groups of their own",
        'DISABLE_TCP_EARLY_DEMUX: "true"',
        "set init.env.DISABLE_TCP_EARLY_DEMUX to true in the configuration of the add-on vpc-cni",
    ),
    Code.CILIUM_ALONE: Words(
        "is Cilium on its own already ({detail}), not chained to anything",
        "no Cilium yet, or a chained one",
        "use mode replacement, which this cluster has behind it",
    ),
}

WARNINGS = {
    Code.BUDGET_BUSY: "allows no disruption now: {detail}; the drain waits until it does",
    Code.BUDGET_STALE: "was changed and not looked at by its controller yet; the drain waits until it was",
    Code.BUDGET_BYPASSED: "is not asked for {count} to be deleted, as allowed: {detail}",
    Code.DATA_LOST: "what is in emptyDir volumes ({detail}) of {count} is lost, as allowed",
    Code.POD_LOST: "is evicted and nothing makes it anew, as allowed",
    Code.STRANDED: "{count} may stay Pending, as allowed: {detail}",
    Code.SINGLETON: "has one replica and no budget: it is down while its pod moves",
    Code.WORK_LOST: "{count} evicted while running, to start again from the beginning",
    Code.ASKS_TO_STAY: "{count} evicted in spite of asking not to be disrupted ({detail})",
    Code.COMES_BACK: "cordoned nodes are tolerated, so successors of {count} may land on the same node again",
    Code.LONG_GRACE: "{count} may take longer to stop than a drain may last: {detail}",
    Code.FINALIZERS: "{count} may stay terminating until somebody takes the finalizers off: {detail}",
    Code.NODE_NOT_READY: "is not Ready: its pods may not be able to stop cleanly",
    Code.NODE_CORDONED: "is cordoned already, and not by this program",
    Code.LEFT_ALONE: "is left as it is ({detail}), as allowed",
    Code.FEWER_NODES: "has fewer nodes at the end of the drains than before: {detail}",
    Code.MAXIMUM_RAISED: "gets a higher maximum for the time of the migration: {detail}",
    Code.MINIMUM_LOWERED: "gets a lower minimum for the time of the migration, as allowed: {detail}",
    Code.LIFECYCLE_HOOK: "waits for somebody when an instance terminates: {detail}",
    Code.INSTANCE_STATE: "has instances in an unusual state: {detail}",
    Code.AUTOSCALER: "may remove new nodes while they are empty; they are marked so that it does not",
    Code.CUSTOM_NETWORK: "puts pods into subnets of their own (custom networking); Cilium takes the nodes'",
    Code.VOLUMES_FULL: "may not have room for all volumes: {detail}",
    Code.BARE_POD_LEFT: "nothing makes it anew, so it is not restarted and stays without Cilium; "
    'permit it: refresh.allow.barePods: ["{pattern}"] (it is evicted and gone)',
    Code.JOB_LEFT: "{count} not restarted, and without Cilium until they have ended",
    Code.JOB_AWAITED: "{count} not restarted; the gate waits until they have ended",
    Code.NODE_WITHOUT_CILIUM: "can not run Cilium ({detail}): {count} there stay without it",
    Code.NO_START_UP_TAINT: "gives new nodes no taint node.cilium.io/agent-not-ready=true:NoExecute, so that "
    "pods may start there before Cilium does, and stay without it",
    Code.LIMITED_FEATURE: "is limited in this mode: {detail}",
}
