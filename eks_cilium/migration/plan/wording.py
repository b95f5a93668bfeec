"""The texts of all blockers and warnings, one entry for every code.

A text continues a sentence that begins with the object: `DaemonSet shop/db: is version 1.9.0, ...`. A blocker
says what is wrong, with its numbers, what is allowed, how to fix it, and which setting permits it.
`migration.plan.findings` fills in `{detail}`, `{count}` (of pods), `{nodes}`, `{name}`, `{pattern}` and the
`{section}` of the configuration with the exceptions.
"""

from __future__ import annotations

from typing import NamedTuple

from eks_cilium.migration.plan.model import Code


class BlockerTexts(NamedTuple):
    """The texts of one blocker; `setting` is empty where no setting permits it."""

    problem: str
    allowed: str
    fix: str
    setting: str = ""


_NODES_OF_GROUPS = "nodes of Auto Scaling groups"
_PODS_WITH_CONTROLLER = "pods with a controller"
_DELETED_FOR_GOOD = '{section}.allow.barePods: ["{pattern}"] (it is evicted, and so deleted for good)'
_MAY_STAY_PENDING = '{section}.allow.strandedPods: ["{pattern}"] (the pods may stay Pending)'
_BUDGET_IGNORED = '{section}.allow.budgets: ["{pattern}"] (the pods are deleted without asking the budget)'
_OPERATOR_AWAITED = (
    '{section}.allow.awaitedBudgets: ["{pattern}"] (waits for an operator that moves the pods itself)'
)
_SECURITY_GROUPS_OF_PODS = "{section}.allow.securityGroupPolicies: true"
_POLICIES_INSTEAD = "write CiliumNetworkPolicies that allow what its security groups allow, then delete it"

BLOCKERS = {
    Code.CLUSTER_NOT_ACTIVE: BlockerTexts(
        "its status is {detail}",
        "status ACTIVE",
        "wait until the change in progress has finished",
    ),
    Code.AUTO_MODE: BlockerTexts(
        "runs EKS Auto Mode ({detail}), which has a CNI of its own that cannot be replaced",
        _NODES_OF_GROUPS,
        "move the workloads to node groups and switch Auto Mode off, or leave this cluster as it is",
    ),
    Code.FARGATE_ONLY: BlockerTexts(
        "has nodes on Fargate only ({detail}), where the CNI cannot be replaced",
        _NODES_OF_GROUPS,
        "add a node group and move the pods that need Cilium's policies to it",
    ),
    Code.SECURITY_GROUP_POLICY: BlockerTexts(
        "assigns security groups to pods; with Cilium, pods have the security groups of their node",
        "no SecurityGroupPolicy",
        _POLICIES_INSTEAD,
        _SECURITY_GROUPS_OF_PODS,
    ),
    Code.SECURITY_GROUP_POLICY_CHAINED: BlockerTexts(
        "assigns security groups to pods, and with them network interfaces that Cilium is rarely tested with "
        "(cilium/cilium#27152, #24943, #37475)",
        "no SecurityGroupPolicy",
        _POLICIES_INSTEAD,
        _SECURITY_GROUPS_OF_PODS,
    ),
    Code.FARGATE_NODE: BlockerTexts(
        "has {nodes} on Fargate, where Cilium cannot run",
        _NODES_OF_GROUPS,
        "narrow the selectors of the Fargate profile, then recreate the pods on a node group",
        "{section}.allow.fargateNodes: true (their pods are not touched and stay without Cilium)",
    ),
    Code.KARPENTER_NODE: BlockerTexts(
        "its {nodes} belong to Karpenter, which does not replace nodes that another program drains",
        _NODES_OF_GROUPS,
        "let the NodePool drift: after a change to the EC2NodeClass Karpenter replaces the nodes itself",
        "{section}.allow.karpenterNodes: true (Karpenter's nodes are left to Karpenter)",
    ),
    Code.WINDOWS_NODE: BlockerTexts(
        "runs Windows, where Cilium cannot run", "Linux nodes", "move its pods to another cluster"
    ),
    Code.NO_INSTANCE: BlockerTexts(
        "is not an EC2 instance: {detail}", _NODES_OF_GROUPS, "remove it from the cluster"
    ),
    Code.NO_GROUP: BlockerTexts(
        "its instance {detail} is in no Auto Scaling group, so nothing would replace it",
        _NODES_OF_GROUPS,
        "attach the instance to an Auto Scaling group, or move its pods and remove it from the cluster",
    ),
    Code.GROUP_BEING_DELETED: BlockerTexts(
        "is being deleted ({detail})",
        "groups that are not being deleted",
        "wait until it is deleted",
    ),
    Code.PROCESS_SUSPENDED: BlockerTexts(
        "its process {detail} is suspended, so it would launch no replacement",
        "process {detail} not suspended",
        "aws autoscaling resume-processes --auto-scaling-group-name {name} --scaling-processes {detail}",
    ),
    Code.BELOW_MINIMUM: BlockerTexts(
        "would shrink below its minimum: {detail}",
        "a desired capacity that is never below the minimum",
        "raise migration.surge, or set migration.capacity to surge, which keeps the size of the group",
        '{section}.allow.lowerMinimum: ["{pattern}"] (the minimum is restored at the end)',
    ),
    Code.BARE_POD: BlockerTexts(
        "no controller recreates it once it is evicted",
        _PODS_WITH_CONTROLLER,
        "run it as a Deployment, StatefulSet or Job, or delete it",
        _DELETED_FOR_GOOD,
    ),
    Code.DAEMON_SET_GONE: BlockerTexts(
        "its DaemonSet {detail} does not exist any more, so nothing recreates it",
        _PODS_WITH_CONTROLLER,
        "delete the pod, or create the DaemonSet again",
        _DELETED_FOR_GOOD,
    ),
    Code.LOCAL_STORAGE: BlockerTexts(
        "data in emptyDir volumes ({detail}) of {count} would be lost",
        "pods without emptyDir volumes",
        "store the data in a PersistentVolumeClaim, or permit its loss; volumes that hold no data, and that "
        "many pods have, are named in {section}.allow.scratchVolumes",
        '{section}.allow.localStorage: ["{pattern}"] (the data is lost)',
    ),
    Code.LOCAL_VOLUME: BlockerTexts(
        "volumes of {count} are on the disk of the node ({detail}) and would be lost with it",
        "volumes that can be attached to another node",
        "move the data to a volume that is on no node (EBS, EFS), then delete the claim of the local volume",
    ),
    Code.DO_NOT_DISRUPT: BlockerTexts(
        "{count} must not be disrupted, as an annotation asks ({detail})",
        "pods that may be evicted",
        "wait until they have ended, or remove the annotation when they may be evicted",
        '{section}.allow.doNotDisrupt: ["{pattern}"] (they are evicted all the same)',
    ),
    Code.VOLUME_ZONE: BlockerTexts(
        "volumes of {count} are in a zone where no new node is certain to start: {detail}",
        "volumes in zones that get a new node",
        "set migration.surge to the number of zones, or give that zone an Auto Scaling group of its own",
        _MAY_STAY_PENDING,
    ),
    Code.PLACEMENT: BlockerTexts(
        "no new node is certain to match the node selector or affinity of {count}: {detail}",
        "node selectors and affinities that new nodes match",
        "add the labels to the node group itself, or relax the selector",
        _MAY_STAY_PENDING,
    ),
    Code.BUDGET_NEVER_ALLOWS: BlockerTexts(
        "never allows a disruption of its {count}: {detail}",
        "a budget that allows at least one disruption when all pods are healthy",
        "run one more replica, lower minAvailable, or raise maxUnavailable",
        f"{_BUDGET_IGNORED}; or {_OPERATOR_AWAITED}",
    ),
    Code.TWO_BUDGETS: BlockerTexts(
        "more than one budget ({detail}) covers {count}, and the API server never evicts such pods",
        "at most one PodDisruptionBudget for a pod",
        "narrow the selectors, or delete all but one of the budgets",
        _BUDGET_IGNORED,
    ),
    Code.NO_VPC_CNI: BlockerTexts(
        "has no DaemonSet kube-system/aws-node, so there is no CNI to chain Cilium to",
        "a cluster whose pods use the AWS VPC CNI",
        "install the add-on vpc-cni, or use mode replacement where Cilium is to be the only CNI",
    ),
    Code.VPC_CNI_OLD: BlockerTexts(
        "is version {detail}, and Cilium can only be chained to 1.11.2 or newer",
        "version 1.11.2 or newer",
        "aws eks update-addon --addon-name vpc-cni --cluster-name <cluster> --addon-version <version>",
    ),
    Code.VPC_CNI_VERSION: BlockerTexts(
        "is {detail}: it was changed outside this program, which may leave the chained configuration stale",
        "the version in eks-cilium:vpcCni.version",
        "check the change, then set eks-cilium:vpcCni.version to the version that runs",
    ),
    Code.VPC_CNI_ENFORCES: BlockerTexts(
        "enforces NetworkPolicies itself, and two enforcers on one interface contradict each other",
        "enableNetworkPolicy switched off",
        "set enableNetworkPolicy to false in the configuration of the add-on vpc-cni; until all pods are "
        "restarted no NetworkPolicy is enforced then",
    ),
    Code.EARLY_DEMUX: BlockerTexts(
        "has TCP early demultiplexing on, which breaks probes of pods with security groups of their own",
        'DISABLE_TCP_EARLY_DEMUX: "true"',
        "set init.env.DISABLE_TCP_EARLY_DEMUX to true in the configuration of the add-on vpc-cni",
    ),
    Code.CILIUM_ALONE: BlockerTexts(
        "already has Cilium as its only CNI ({detail}), not chained to another",
        "no Cilium yet, or a chained one",
        "use the mode that installed it (replacement or new-cluster)",
    ),
    Code.IP_FAMILY: BlockerTexts(
        "its pods have {detail} addresses, which Cilium is not configured for here",
        "clusters of ipFamily ipv4",
        "leave this cluster as it is, or move the workloads to a cluster of ipFamily ipv4",
    ),
    Code.HOST_PORTS: BlockerTexts(
        "{count} with host ports, which agents do not serve beside kube-proxy: on new nodes the ports are "
        "dead while the pods are Ready",
        "pods without hostPort, or with hostNetwork",
        "put the CNI plugin portmap into /opt/cni/bin of new nodes (images of AL2023 do not have it) and set "
        "cilium.values to {{cni: {{chainingMode: portmap}}}}, or give the pods hostNetwork",
        '{section}.allow.hostPorts: ["{pattern}"] (the ports are dead on new nodes)',
    ),
    Code.CNI_PLUGIN: BlockerTexts(
        "writes a CNI configuration of its own on every node, which Cilium disables",
        "no other CNI plugin, or cni.exclusive false",
        "set cilium.values to {{cni: {{exclusive: false}}}}; for Istio, socketLB.hostNamespaceOnly true",
        '{section}.allow.cniPlugins: ["{pattern}"] (the plugin is not called on new nodes)',
    ),
    Code.IP_BLOCK: BlockerTexts(
        "its ipBlock {detail} selects no pod of the cluster and no node once Cilium enforces it, so their "
        "traffic is dropped",
        "ipBlocks outside the networks of pods",
        "allow pods by namespaceSelector and podSelector beside the ipBlock, and nodes by "
        "cilium.values: {{policyCIDRMatchMode: nodes}}",
        '{section}.allow.ipBlocks: ["{pattern}"] (this traffic is dropped once policies are enforced)',
    ),
    Code.NODE_ADDRESSES: BlockerTexts(
        "pods of new nodes would have no address: {detail}",
        "nodes with an address for each of their pods",
        "set cilium.prefixDelegation to true, use larger instances, or lower kubelet's limit of pods to what "
        "the interfaces hold",
        '{section}.allow.addresses: ["{pattern}"] (pods may wait for an address)',
    ),
    Code.SUBNET_ADDRESSES: BlockerTexts(
        "its subnets have too few addresses: {detail}",
        "subnets with an address for each pod, those ready on each node included",
        "add subnets of a secondary network to the groups, or name them in cilium.subnetIds; for prefixes "
        "reserve a range: aws ec2 create-subnet-cidr-reservation --reservation-type prefix",
        '{section}.allow.addresses: ["{pattern}"] (new nodes may have too few addresses)',
    ),
    Code.ADD_ON_SCHEMA: BlockerTexts(
        "its version {detail} takes no affinity, so aws-node could not be kept off new nodes",
        "a version whose configuration takes affinity",
        "update the add-on: aws eks describe-addon-versions --addon-name vpc-cni",
    ),
}

WARNINGS = {
    Code.BUDGET_BUSY: "allows no disruption now: {detail}; the drain waits until it does",
    Code.BUDGET_STALE: "was changed, and its controller has not processed the change yet; the drain waits "
    "until it has",
    Code.BUDGET_CLOSED: "allows no disruption of its {count} now: {detail}, which opens it when its data is "
    "whole; the drain waits until then",
    Code.BUDGET_AWAITED: "never allows a disruption of its {count}: {detail}; as permitted, evictions are "
    "requested until its operator has moved them",
    Code.BUDGET_BYPASSED: "{count} to be deleted without asking the budget, as permitted: {detail}",
    Code.DATA_LOST: "data in emptyDir volumes ({detail}) of {count} is lost, as permitted",
    Code.POD_LOST: "is evicted and not recreated, as permitted",
    Code.STRANDED: "{count} may stay Pending, as permitted: {detail}",
    Code.SINGLETON: "has one replica and no budget: it is unavailable while its pod moves",
    Code.REPLICAS_TOGETHER: "has no budget and {detail}: they are evicted one after another as its own "
    "roll-out would, when successors are ready",
    Code.VOLUME_WAITS: "{count} cannot move before a new node is in the zone of a volume ({detail}), which "
    "is not certain with this surge: the run may stop there; set migration.surge to the number of zones",
    Code.WORK_LOST: "{count} evicted while running; the work starts again from the beginning",
    Code.WORK_ENDED: "{count} evicted while running, which ends their work; whether it starts again is up to "
    "their controller ({detail})",
    Code.JOB_FAILS: "fails for good when it loses its {count}, since it does not try again ({detail})",
    Code.DATA_STAYS: "{count} may have data in directories of their node, which stays behind: {detail}",
    Code.SERVES_MOUNTS: "serves mounts of other pods on its node and ends after them, so it is waited for",
    Code.SERVES_MOUNTS_LEFT: "serves mounts of other pods on its node, so it is not restarted and stays "
    "without Cilium until they have ended",
    Code.ASKS_TO_STAY: "{count} evicted although an annotation asks not to disrupt them ({detail})",
    Code.LEFT_FOR_NOW: "{count} left alone for the time that an annotation says ({detail}): the drain waits",
    Code.COMES_BACK: "tolerates the taint of cordoned nodes, so successors of {count} may be scheduled to "
    "the same node again: each is evicted once, and what comes back ends with the node",
    Code.LONG_GRACE: "{count} may take long to stop: {detail}",
    Code.FINALIZERS: "{count} may stay Terminating until the finalizers are removed: {detail}",
    Code.NODE_NOT_READY: "is not Ready: its pods may not be able to stop cleanly",
    Code.NODE_CORDONED: "is already cordoned, and not by this program",
    Code.LEFT_ALONE: "is not replaced ({detail}), as permitted",
    Code.FEWER_NODES: "has fewer nodes after the last drain than before: {detail}",
    Code.MAXIMUM_RAISED: "its maximum is raised during the migration: {detail}",
    Code.MINIMUM_LOWERED: "its minimum is lowered during the migration, as permitted: {detail}",
    Code.LIFECYCLE_HOOK: "a lifecycle hook delays the termination of its instances: {detail}",
    Code.REPLACED_BY_AWS: "Auto Scaling replaces its instances by itself, without a drain, during the "
    "migration as before: {detail}",
    Code.INSTANCE_STATE: "has instances in an unusual state: {detail}",
    Code.AUTOSCALER: "may remove new nodes while they are empty; they are annotated so that it does not",
    Code.CUSTOM_NETWORK: "puts pods into subnets of their own (custom networking: {detail}); with Cilium "
    "they are in the subnets and security groups of their nodes, unless cilium.subnetIds names others",
    Code.VOLUMES_FULL: "its nodes may not be able to attach all volumes: {detail}",
    Code.BARE_POD_LEFT: "no controller recreates it, so it is not restarted and stays without Cilium; "
    'to permit its eviction: refresh.allow.barePods: ["{pattern}"] (it is then deleted for good)',
    Code.JOB_LEFT: "{count} not restarted, and without Cilium until they have ended",
    Code.JOB_AWAITED: "{count} not restarted; the gate waits until they have ended, unless refresh.jobs is "
    "leave",
    Code.NODE_WITHOUT_CILIUM: "cannot run Cilium ({detail}): {count} there stay without it",
    # EKS gives a changed taint to the nodes that run (cilium/cilium#17103), and NoExecute deletes their pods
    # faster than Cilium's operator takes the taint away again (cilium/cilium#19890).
    Code.NO_START_UP_TAINT: "gives new nodes no taint node.cilium.io/agent-not-ready=true, so that pods may "
    "start there before Cilium does, and stay without it; add it as NO_SCHEDULE once agents run on every "
    "node. NO_EXECUTE is for new groups: EKS taints running nodes at once, and it deletes their pods",
    Code.LIMITED_FEATURE: "is limited in this mode: {detail}",
    Code.HOST_PORTS_LOST: "host ports of {count} are dead on new nodes, as permitted",
    Code.CNI_PLUGIN_LOST: "is not called on new nodes, as permitted",
    Code.IP_BLOCK_LOST: "its ipBlock {detail} selects no pod of the cluster any more, as permitted",
    Code.UNPROTECTED: "enforces {detail} NetworkPolicies now; pods on new nodes are not protected until "
    "policies are enforced again, after the last node",
    Code.POLICIES_BEGIN: "nothing seems to enforce NetworkPolicies now; Cilium enforces at the end: {detail}",
    Code.ADDRESSES_SCARCE: "addresses may be scarce: {detail}",
    Code.ADDRESSES_UNKNOWN: "whether all pods will have addresses is not known: {detail}",
    Code.ADD_ON_SCHEMA_UNKNOWN: "whether version {detail} takes an affinity is not known: AWS did not answer "
    "eks:DescribeAddonConfiguration",
}
