"""The simulated controllers: nodes join and leave, pods are created, scheduled, started and deleted.

Controllers, scheduler and kubelets in one, as far as a migration depends on them. They also record, as it
happens, what no migration may do.
"""

import copy
import itertools
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from . import scheduler
from .api_server import START, ApiServer, Clock, Object, is_ready
from .cloud import Cloud

if TYPE_CHECKING:
    from collections.abc import Callable

PODS, NODES = "/api/v1/pods", "/api/v1/nodes"
DAEMON_SETS = "/apis/apps/v1/daemonsets"
DEPLOYMENTS, REPLICA_SETS = "/apis/apps/v1/deployments", "/apis/apps/v1/replicasets"
STATEFUL_SETS = "/apis/apps/v1/statefulsets"
BUDGETS = "/apis/policy/v1/poddisruptionbudgets"
CONFIG_MAPS = "/api/v1/configmaps"
CILIUM_NODES, ENDPOINTS = "/apis/cilium.io/v2/ciliumnodes", "/apis/cilium.io/v2/ciliumendpoints"
AGENT_TAINT = {"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NoExecute"}
STOCK_TERMS = [
    {
        "matchExpressions": [
            {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
            {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["fargate"]},
        ]
    }
]
START_SECONDS = 2
TOLERATED_SECONDS = 300
"""How long pods tolerate a node that does not answer, by default."""
GENERATION = "pod-template-generation"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class Controllers:
    """Everything that acts in the world besides the program. `tick` is one second."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.api = ApiServer(clock)
        self.cloud = Cloud(clock)
        self.violations: list[str] = []
        self.lost: list[str] = []
        """Ordinary pods that were on a node when its instance ended."""
        self.start_seconds = START_SECONDS
        """How long a pod takes to be ready on its node."""
        self.agents_work = True
        """Whether agents of Cilium become ready."""
        self.cilium_node: Object = {"spec": {"ipam": {"pool": {"10.0.0.1": {}, "10.0.0.2": {}}}}}
        """What new CiliumNodes have besides their names."""
        self.start_up_taints: list[Object] = []
        """What new nodes have besides Cilium's own taint, until something else removes it."""
        self.enforcing: list[str] = []
        """Agents of Cilium that enforced policies while another node still had the old CNI."""
        self.collects_garbage = True
        """Whether pods of a DaemonSet that was deleted go with it."""
        self.dead: dict[str, float] = {}
        """Nodes whose kubelet does not answer, and since when: nothing starts or ends there."""
        self.controllers: list[Callable[[], None]] = []
        """More controllers, which act before pods are scheduled."""
        self.silent_nodes: dict[str, str] = {}
        """Nodes whose kubelet has stopped reporting, and since when."""
        self.groups_that_never_join: set[str] = set()
        self._names = itertools.count(1)
        self._node_of: dict[str, str] = {}
        self._watched: set[str] = set()

    def silence(self, name: str) -> None:
        """The kubelet of a node stops reporting, and the node controller says so."""
        self.silent_nodes[name] = self.clock.stamp()
        self._play_agents()

    def nodes(self, **labels: str) -> list[Object]:
        return [node for node in self.api.of(NODES) if labels.items() <= node["metadata"]["labels"].items()]

    def node(self, name: str) -> Object | None:
        return self.api.find(NODES, "", name)

    def pods_on(self, node: str) -> list[Object]:
        return [pod for pod in self.api.of(PODS) if pod["spec"].get("nodeName") == node]

    def watch(self) -> None:
        """From now on no budget may be undercut."""
        self._watched = {budget["metadata"]["name"] for budget in self.api.of(BUDGETS)}

    def tick(self) -> None:
        self.cloud.tick()
        self._join()
        self._leave()
        self._give_up_on_dead_nodes()
        self._end_pods()
        self._run_daemon_sets()
        self._make_pods(REPLICA_SETS, "ReplicaSet")
        self._make_pods(STATEFUL_SETS, "StatefulSet")
        for act in self.controllers:
            act()
        self._schedule()
        self._start_pods()
        self._play_agents()
        self._check_policies()
        self._count()
        self.count_budgets()
        self._check_budgets()

    def _join(self) -> None:
        for group in self.cloud.groups.values():
            if group.name in self.groups_that_never_join:
                continue
            for member in group.members.values():
                running = self.cloud.instances[member.id] == "running"
                late = self.clock.seconds - member.since >= self.cloud.join_seconds
                if running and late and member.id not in self._node_of:
                    self._node_of[member.id] = f"ip-10-0-0-{next(self._names)}"
                    self._register(member.id, member.zone)

    def register_anew(self, name: str, under: str = "") -> None:
        """The Node object is deleted, and the kubelet creates it again, perhaps under another name."""
        node = self.node(name)
        assert node is not None
        self.api.remove(NODES, node)
        instance = node["spec"]["providerID"].rsplit("/", 1)[-1]
        self._node_of[instance] = under or name
        for pod in self.pods_on(name):
            pod["spec"]["nodeName"] = under or name
        self._register(instance, node["metadata"]["labels"]["topology.kubernetes.io/zone"])

    def _register(self, instance: str, zone: str) -> None:
        labels = {"kubernetes.io/os": "linux", "topology.kubernetes.io/zone": zone}
        old = self.api.find(DAEMON_SETS, "kube-system", "cilium") is None
        self.api.put(
            NODES,
            {
                "metadata": {"name": self._node_of[instance], "labels": labels},
                "spec": {
                    "providerID": f"aws:///{zone}/{instance}",
                    "taints": [*([] if old else [dict(AGENT_TAINT)]), *map(dict, self.start_up_taints)],
                },
                "status": {
                    "conditions": [{"type": "Ready", "status": "False"}],
                    "nodeInfo": {"osImage": "Amazon Linux 2023.9"},
                },
            },
        )

    def _leave(self) -> None:
        for instance, name in list(self._node_of.items()):
            node, state = self.node(name), self.cloud.instances[instance]
            if state == "shutting-down" and node is not None:
                for pod in self.pods_on(name):
                    if _kind(pod) != "DaemonSet" and not pod["metadata"].get("deletionTimestamp"):
                        self.lost.append(f"{pod['metadata']['name']} on {name}")
                    if _kind(pod) != "DaemonSet":
                        self.api.remove(PODS, pod)
            if state == "terminated" and node is not None:
                self.api.remove(NODES, node)
                for pod in self.pods_on(name):
                    self.api.remove(PODS, pod)

    def die(self, name: str) -> None:
        """The kubelet of a node stops: nothing starts or ends there any more, not even what was deleted."""
        self.dead[name] = self.clock.seconds

    def _give_up_on_dead_nodes(self) -> None:
        """What the node controller and its taint manager do."""
        for name, since in self.dead.items():
            if node := self.node(name):
                stamp = (START + timedelta(seconds=since)).strftime("%Y-%m-%dT%H:%M:%SZ")
                ready = {"type": "Ready", "status": "Unknown", "lastTransitionTime": stamp}
                node["status"]["conditions"] = [ready]
            for pod in self.pods_on(name):
                pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
                if self.clock.seconds - since >= TOLERATED_SECONDS and _kind(pod) != "DaemonSet":
                    self.api.terminate(pod)

    def _end_pods(self) -> None:
        for pod in self.api.of(PODS):
            if pod["spec"].get("nodeName") in self.dead:
                continue
            ends = pod["metadata"].get("deletionTimestamp")
            if ends and datetime.fromisoformat(ends) <= self.clock.now() and not _finalizers(pod):
                self.api.remove(PODS, pod)

    def _run_daemon_sets(self) -> None:
        for daemon_set in self.api.of(DAEMON_SETS):
            name, namespace = daemon_set["metadata"]["name"], daemon_set["metadata"]["namespace"]
            pods = {
                pod["spec"]["nodeName"]: pod
                for pod in self.api.of(PODS, namespace)
                if _kind(pod) == "DaemonSet" and pod["metadata"]["labels"].get("k8s-app") == name
            }
            wanted = {node["metadata"]["name"] for node in self.nodes() if _matches(daemon_set, node)}
            for node in pods.keys() - wanted:
                self._end_agent(pods.pop(node))
            generation = daemon_set["metadata"]["generation"]
            daemon_set["metadata"].setdefault("annotations", {})[
                "deprecated.daemonset.template.generation"
            ] = str(generation)
            for node in self._to_update(daemon_set, pods, wanted):
                self._end_agent(pods[node])
                if node not in self.dead:
                    del pods[node]
            for node in wanted - pods.keys():
                pods[node] = self._agent(daemon_set, node)
            daemon_set["status"] = {
                "observedGeneration": generation,
                "desiredNumberScheduled": len(wanted),
                "updatedNumberScheduled": sum(
                    pod["metadata"]["labels"][GENERATION] == str(generation) for pod in pods.values()
                ),
                "numberReady": sum(map(is_ready, pods.values())),
            }
        for pod in self.api.of(PODS) if self.collects_garbage else ():
            owner = pod["metadata"].get("ownerReferences", [{}])[0].get("name", "")
            if _kind(pod) == "DaemonSet" and not self.api.find(
                DAEMON_SETS, pod["metadata"]["namespace"], owner
            ):
                self.api.remove(PODS, pod)

    def _to_update(self, daemon_set: Object, pods: dict[str, Object], wanted: set[str]) -> list[str]:
        """Nodes whose agents are replaced now: those that are not ready, others within maxUnavailable.

        Source: kubernetes/kubernetes, pkg/controller/daemon/update.go, rollingUpdate.
        """
        if daemon_set["spec"].get("updateStrategy", {}).get("type") == "OnDelete":
            return []
        generation = str(daemon_set["metadata"]["generation"])
        old = [node for node, pod in pods.items() if pod["metadata"]["labels"][GENERATION] != generation]
        unready = [node for node in old if not is_ready(pods[node])]
        unavailable = len(wanted) - sum(map(is_ready, pods.values()))
        most = (
            (daemon_set["spec"].get("updateStrategy") or {}).get("rollingUpdate", {}).get("maxUnavailable", 1)
        )
        allowed = most if isinstance(most, int) else len(wanted) * int(most.rstrip("%")) // 100
        return [*unready, *[node for node in old if node not in unready][: max(allowed - unavailable, 0)]]

    def _check_policies(self) -> None:
        """Pods on nodes of the old CNI have no identity, so an agent that enforces drops their traffic."""
        mixed = bool(self.nodes(**{"cni-plugin": "aws"}))
        for pod in self.api.of(PODS, "kube-system"):
            enforces = pod["metadata"]["labels"].get("k8s-app") == "cilium" and pod["mode"] != "never"
            if mixed and enforces and is_ready(pod):
                self.enforcing.append(pod["metadata"]["name"])

    def _policy_mode(self) -> str:
        """What an agent reads when it starts, and its default where nothing is set."""
        configuration = self.api.find(CONFIG_MAPS, "kube-system", "cilium-config") or {"data": {}}
        return str(configuration["data"].get("enable-policy", "default"))

    def _end_agent(self, pod: Object) -> None:
        if pod["spec"]["nodeName"] in self.dead:
            self.api.terminate(pod)
        else:
            self.api.remove(PODS, pod)

    def _agent(self, daemon_set: Object, node: str) -> Object:
        name = daemon_set["metadata"]["name"]
        return self.api.put(
            PODS,
            {
                "metadata": {
                    "name": f"{name}-{node}",
                    "namespace": daemon_set["metadata"]["namespace"],
                    "labels": {
                        "k8s-app": name,
                        GENERATION: str(daemon_set["metadata"]["generation"]),
                    },
                    "ownerReferences": [owner_of("DaemonSet", daemon_set)],
                },
                "spec": {"nodeName": node, "hostNetwork": True},
                "status": {"phase": "Pending"},
                "mode": self._policy_mode(),
            },
        )

    def _make_pods(self, collection: str, kind: str) -> None:
        for owner in self.api.of(collection):
            name, mine = owner["metadata"]["name"], self._pods_of(kind, owner)
            alive = [pod for pod in mine if not pod["metadata"].get("deletionTimestamp")]
            taken = {pod["metadata"]["name"] for pod in mine}
            numbers = itertools.count()
            for _ in range(owner["spec"]["replicas"] - len(alive)):
                if kind == "StatefulSet":
                    free = [f"{name}-{each}" for each in range(owner["spec"]["replicas"])]
                    names = [each for each in free if each not in taken]
                    if not names:
                        break
                    chosen = names[0]
                else:
                    chosen = next(each for each in (f"{name}-{n}" for n in numbers) if each not in taken)
                taken.add(chosen)
                self._make_pod(kind, owner, chosen)

    def _make_pod(self, kind: str, owner: Object, name: str) -> None:
        template = owner["spec"]["template"]
        self.api.put(
            PODS,
            {
                "metadata": {
                    "name": name,
                    "namespace": owner["metadata"]["namespace"],
                    "labels": dict(template["metadata"]["labels"]),
                    "ownerReferences": [owner_of(kind, owner)],
                },
                "spec": {"containers": [], **template["spec"]},
                "status": {"phase": "Pending"},
            },
        )

    def _schedule(self) -> None:
        """To the emptiest node that has no taint against it, softly tainted ones last."""
        load = Counter(pod["spec"].get("nodeName") for pod in self.api.of(PODS))
        for pod in self.api.of(PODS):
            if pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
                continue
            fitting = scheduler.choose(self.api, pod, self.nodes())
            if fitting:
                node = min(fitting, key=lambda each: (_softly(each), load[each["metadata"]["name"]]))
                pod["spec"]["nodeName"] = node["metadata"]["name"]
                pod["boundAt"] = self.clock.seconds
                load[node["metadata"]["name"]] += 1

    def _start_pods(self) -> None:
        for pod in self.api.of(PODS):
            if pod["spec"].get("nodeName") in self.dead:
                continue
            agent = pod["metadata"].get("labels", {}).get("k8s-app")
            seconds = START_SECONDS if agent else self.start_seconds
            started = pod.setdefault("boundAt", self.clock.seconds) + seconds
            if agent == "cilium" and not self.agents_work:
                continue
            if (
                pod["status"]["phase"] == "Pending"
                and pod["spec"].get("nodeName")
                and (self.clock.seconds >= started)
            ):
                pod["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}

    def _play_agents(self) -> None:
        ready = {
            (pod["metadata"]["labels"].get("k8s-app"), pod["spec"]["nodeName"])
            for pod in self.api.of(PODS, "kube-system")
            if is_ready(pod) and pod["metadata"].get("labels")
        }
        for node in self.nodes():
            name = node["metadata"]["name"]
            if name in self.dead:
                continue
            conditions = node["status"]["conditions"]
            if name in self.silent_nodes:
                since = self.silent_nodes[name]
                conditions[:] = [{"type": "Ready", "status": "Unknown", "lastTransitionTime": since}]
            elif ("cilium", name) in ready:
                node["spec"]["taints"] = [
                    each for each in node["spec"].get("taints", []) if each["key"] != AGENT_TAINT["key"]
                ]
                conditions[:] = [
                    {"type": "Ready", "status": "True"},
                    {"type": "NetworkUnavailable", "status": "False"},
                ]
                if self.api.find(CILIUM_NODES, "", name) is None:
                    self.api.put(
                        CILIUM_NODES, {"metadata": {"name": name}, **copy.deepcopy(self.cilium_node)}
                    )
                self._give_endpoints(name)
            elif ("aws-node", name) in ready:
                node["spec"]["taints"] = [
                    each for each in node["spec"].get("taints", []) if each["key"] != AGENT_TAINT["key"]
                ]
                conditions[:] = [{"type": "Ready", "status": "True"}]

    def _give_endpoints(self, node: str) -> None:
        for pod in self.pods_on(node):
            key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
            if not pod["spec"].get("hostNetwork") and self.api.find(ENDPOINTS, *key) is None:
                self.api.put(ENDPOINTS, {"metadata": {"namespace": key[0], "name": key[1]}})

    def _count(self) -> None:
        for replica_set in self.api.of(REPLICA_SETS):
            pods = self._pods_of("ReplicaSet", replica_set)
            ready = sum(is_ready(pod) and not pod["metadata"].get("deletionTimestamp") for pod in pods)
            replica_set["status"] = {"readyReplicas": ready}
            above = replica_set["metadata"]["ownerReferences"][0]["name"]
            deployment = self.api.find(DEPLOYMENTS, replica_set["metadata"]["namespace"], above)
            if deployment is not None:
                deployment["status"] = {"readyReplicas": ready}
        for stateful_set in self.api.of(STATEFUL_SETS):
            # computeReplicaStatus in stateful_set_control.go: pods that are being deleted count too.
            ready = sum(map(is_ready, self._pods_of("StatefulSet", stateful_set)))
            stateful_set["status"] = {"readyReplicas": ready}

    def _pods_of(self, kind: str, owner: Object) -> list[Object]:
        name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
        return [
            pod
            for pod in self.api.of(PODS, namespace)
            if _kind(pod) == kind and pod["metadata"]["ownerReferences"][0]["name"] == name
        ]

    def count_budgets(self) -> None:
        for budget in self.api.of(BUDGETS):
            app = budget["spec"]["selector"]["matchLabels"].get("app")
            namespace = budget["metadata"]["namespace"]
            owners = [*self.api.of(REPLICA_SETS, namespace), *self.api.of(STATEFUL_SETS, namespace)]
            replicas = sum(
                owner["spec"]["replicas"]
                for owner in owners
                if owner["spec"]["template"]["metadata"]["labels"].get("app") == app
            )
            # getExpectedPodCount in disruption.go: minAvailable: 2 is compared with the pods there are.
            by_pods = isinstance(budget["spec"].get("minAvailable"), int)
            covered = [pod for pod in self.api.of(PODS, namespace) if budget in self.api.budgets(pod)]
            budget["status"]["expectedPods"] = len(covered) if by_pods else replicas
            healthy, wanted = self.api.health(budget)
            budget["status"] |= {
                "observedGeneration": budget["metadata"]["generation"],
                "currentHealthy": healthy,
                "desiredHealthy": wanted,
                "disruptionsAllowed": max(healthy - wanted, 0),
            }

    def _check_budgets(self) -> None:
        for budget in self.api.of(BUDGETS):
            name = budget["metadata"]["name"]
            healthy, wanted = self.api.health(budget)
            if name in self._watched and healthy < wanted:
                self.violations.append(f"{self.clock.seconds:.0f} s: {name} has {healthy} of {wanted}")


def owner_of(kind: str, obj: Object) -> Object:
    return {
        "kind": kind,
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"].get("uid"),
        "controller": True,
    }


def _kind(pod: Object) -> str:
    return str(pod["metadata"].get("ownerReferences", [{}])[0].get("kind", ""))


def _finalizers(pod: Object) -> list[str]:
    return pod["metadata"].get("finalizers") or []


def _softly(node: Object) -> bool:
    return any(each["effect"] == "PreferNoSchedule" for each in node["spec"].get("taints") or ())


def _matches(daemon_set: Object, node: Object) -> bool:
    affinity = daemon_set["spec"]["template"]["spec"].get("affinity") or {}
    terms = affinity.get("nodeAffinity", {}).get(REQUIRED, {}).get("nodeSelectorTerms")
    labels = node["metadata"]["labels"]
    return terms is None or any(
        all(_holds(each, labels) for each in term["matchExpressions"]) for term in terms
    )


def _holds(expression: Object, labels: dict[str, str]) -> bool:
    if expression["operator"] == "Exists":
        return expression["key"] in labels
    inside = labels.get(expression["key"]) in expression["values"]
    return inside if expression["operator"] == "In" else not inside
