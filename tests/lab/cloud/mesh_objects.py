"""The objects of Cilium's chart in a cluster of a mesh, as far as the lab reads them, with certificates."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from lab.providers.tls import issuing
from lab.providers.values import Secret

NAMESPACE = "kube-system"
SERVER, REMOTE, LOCAL = (f"clustermesh-apiserver-{kind}-cert" for kind in ("server", "remote", "local"))
PREFIX = "service.beta.kubernetes.io/aws-load-balancer-"


class Authority:
    """A CA that signs certificates of servers and clients of a mesh."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        self._key = self._new_key()
        _, created = issuing.self_signed(
            {
                "privateKeyPem": self._key,
                "subject": {"commonName": "Cilium CA"},
                "isCaCertificate": True,
                "allowedUses": ["cert_signing"],
                "validityPeriodHours": 24,
            },
            self._now,
        )
        self.certificate = created["certPem"]

    def _new_key(self) -> str:
        wanted = {"algorithm": "ECDSA", "ecdsaCurve": "P256", "rsaBits": 2048}
        key = issuing.private_key(wanted, self._now)[1]["privateKeyPem"]
        assert isinstance(key, Secret)
        return str(key.value)

    def secret(self, name: str, common_name: str, *names: str) -> dict:
        """Return a TLS Secret with a certificate for these names."""
        key = self._new_key()
        request = {"privateKeyPem": key, "subject": {"commonName": common_name}, "dnsNames": list(names)}
        _, asked = issuing.certificate_request(request, self._now)
        _, created = issuing.locally_signed(
            {
                "certRequestPem": asked["certRequestPem"],
                "caCertPem": self.certificate,
                "caPrivateKeyPem": self._key,
                "allowedUses": ["digital_signature", "server_auth", "client_auth"],
                "validityPeriodHours": 12,
            },
            self._now,
        )
        parts = {"ca.crt": self.certificate, "tls.crt": created["certPem"], "tls.key": key}
        return secret(name, parts)


def secret(name: str, parts: dict[str, str]) -> dict:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in parts.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta(name), "data": data}


def meta(name: str, **more: object) -> dict:
    return {"name": name, "namespace": NAMESPACE, **more}


def certificates(authority: Authority) -> list[dict]:
    return [
        authority.secret(
            SERVER,
            "clustermesh-apiserver.cilium.io",
            "*.mesh.cilium.io",
            "clustermesh-apiserver.kube-system.svc",
        ),
        authority.secret(REMOTE, "remote"),
        authority.secret(LOCAL, "local"),
    ]


def entry(host: str, prefix: str) -> str:
    files = "/var/lib/cilium/clustermesh"
    return (
        f"endpoints:\n- https://{host}:2379\ntrusted-ca-file: {files}/{prefix}-etcd-client-ca.crt\n"
        f"key-file: {files}/{prefix}-etcd-client.key\ncert-file: {files}/{prefix}-etcd-client.crt\n"
    )


def remotes(name: str) -> list[dict]:
    """Return both Secrets about the remote cluster: for the agents, and for KVStoreMesh."""
    return [
        secret("cilium-clustermesh", {name: entry("clustermesh-apiserver.kube-system.svc", "local")}),
        secret("cilium-kvstoremesh", {name: entry(f"{name}.mesh.cilium.io", "common")}),
    ]


def volume(name: str, *sources: dict) -> dict:
    return {"name": name, "projected": {"sources": [{"secret": each} for each in sources]}}


def client(name: str, prefix: str) -> dict:
    files = {"tls.key": "etcd-client.key", "tls.crt": "etcd-client.crt", "ca.crt": "etcd-client-ca.crt"}
    items = [{"key": key, "path": f"{prefix}-{path}"} for key, path in files.items()]
    return {"name": name, "optional": True, "items": items}


def workload(kind: str, name: str, container: str, volumes: list[dict], **more: object) -> dict:
    labels = {"k8s-app": name}
    image = "quay.io/cilium/cilium:v1.19.7"
    spec = {
        "containers": [{"name": container, "image": image}],
        "volumes": volumes,
        "tolerations": [{"operator": "Exists"}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": meta(name),
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec | more},
        },
    }


def member(name: str, number: int, remote: str) -> list[dict]:
    """Return the objects of one cluster, except its certificates."""
    annotations = {f"{PREFIX}type": "nlb", f"{PREFIX}internal": "true"}
    source_ranges = "service.beta.kubernetes.io/load-balancer-source-ranges"
    common = client(REMOTE, "common")
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": meta("cilium-config"),
            "data": {"cluster-name": name, "cluster-id": str(number), "ipam": "eni"},
        },
        *remotes(remote),
        workload(
            "DaemonSet",
            "cilium",
            "cilium-agent",
            [
                volume(
                    "clustermesh-secrets",
                    {"name": "cilium-clustermesh", "optional": True},
                    common,
                    client(LOCAL, "local"),
                )
            ],
            hostNetwork=True,
        ),
        workload(
            "Deployment",
            "clustermesh-apiserver",
            "etcd",
            [
                volume("etcd-server-secrets", {"name": SERVER}),
                volume("kvstoremesh-secrets", {"name": "cilium-kvstoremesh", "optional": True}, common),
            ],
        ),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta(
                "clustermesh-apiserver",
                annotations=annotations | {source_ranges: f"10.{3 - number}.0.0/16"},
            ),
            "spec": {
                "type": "LoadBalancer",
                "selector": {"k8s-app": "clustermesh-apiserver"},
                "ports": [{"port": 2379}],
            },
        },
    ]
