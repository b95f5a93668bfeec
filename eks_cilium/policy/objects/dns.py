"""The rule that keeps DNS working for pods whose egress is denied by default.

Without DNS no other rule is of use to a program that connects to a name. So every generated policy with an
egress section has this rule: such a section denies by default what it does not name
(Documentation/security/policy/intro.rst of cilium/cilium, "Endpoint default policy").
"""

from __future__ import annotations

from typing import Any

from eks_cilium.policy.objects.pods import Pods, peer_selector

NAMESPACE = "kube-system"
SERVERS = ("kube-dns", "node-local-dns")
"""Values of the label `k8s-app` of pods that answer DNS.

CoreDNS carries the first, also on EKS. The second is the NodeLocal DNSCache as Cilium describes it: pods to
which a CiliumLocalRedirectPolicy sends what is meant for kube-dns. Policies see the pod behind the redirect,
so it is allowed beside kube-dns (Documentation/network/kubernetes/local-redirect-policy.rst, "Node-local DNS
cache"; Cilium's own tests do the same since cilium/cilium-cli#995). Where it does not run it selects no pod.
"""
PORT = 53


def dns_rule(cluster: str) -> dict[str, Any]:
    """An entry of `egress` that allows DNS to the cluster's own servers."""
    servers = [Pods(cluster, NAMESPACE, {"k8s-app": name}) for name in SERVERS]
    ports = [{"port": str(PORT), "protocol": protocol} for protocol in ("UDP", "TCP")]
    return {"toEndpoints": list(map(peer_selector, servers)), "toPorts": [{"ports": ports}]}
