"""The configuration files and command lines of a control plane's components.

As close to EKS as loopback allows: Node and RBAC authorization, privileged pods allowed, no pod CIDRs from
the controller manager, tokens of IAM identities verified by a webhook.
"""

import base64
import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from .authority import Authority, Pair, service_account_key, write_secret
from .ports import LOOPBACK

_AUDIT_POLICY = Path(__file__).with_name("audit-policy.yaml")
_CACHE_OF_TOKENS = "2s"
_ISSUER = "https://kubernetes.default.svc"
# The `kubernetes` Service must not point to loopback. This address is reserved for documentation and reaches
# nothing; the lab sends no packets to Services.
_ADVERTISED = "192.0.2.1"
_MASTERS = ("system:masters",)
_RATES = ["--kube-api-qps=500", "--kube-api-burst=1000"]
# The kernel's limit for the path of a Unix socket.
_LONGEST_SOCKET = 100


@dataclass(frozen=True)
class Settings:
    """The settings in which control planes differ."""

    name: str
    authentication_webhook: str | None = None
    emulated_version: str | None = None
    service_cidr: str = "10.100.0.0/16"
    issuer: str = _ISSUER

    @property
    def service_address(self) -> str:
        """Return the address of the `kubernetes` Service: the first of the range."""
        return str(ip_network(self.service_cidr)[1])


@dataclass(frozen=True)
class Ports:
    """The loopback ports of the components."""

    etcd: int
    etcd_peers: int
    api: int


class Configuration:
    """The files from which the components of one control plane are started."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        self._directory = directory
        self._settings = settings
        self._cluster = Authority(f"kubernetes {settings.name}")

    @property
    def certificate_authority(self) -> bytes:
        """Return the CA certificate by which clients verify this cluster."""
        return self._cluster.pair.certificate

    @property
    def audit_log(self) -> Path:
        """Return the path of the API server's audit log, one JSON object per line."""
        return self._directory / "audit.jsonl"

    @property
    def egress_socket(self) -> Path:
        """Return the node player's socket, the API server's way to kubelets, webhooks and aggregated APIs."""
        inside = self._file("egress.sock")
        if len(str(inside).encode()) <= _LONGEST_SOCKET:
            return inside
        name = hashlib.sha256(str(inside).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"eks-cilium-{name}.sock"

    def kubeconfig(self, name: str) -> Path:
        """Return the kubeconfig of a user of the control plane: admin, node-player, or a component."""
        return self._directory / f"{name}.kubeconfig"

    def discard_data(self) -> None:
        """Delete etcd's data: 130 MB that no later cluster can use."""
        shutil.rmtree(self._data, ignore_errors=True)

    def write_keys(self) -> None:
        """Write the keys and certificates of servers, which do not depend on ports."""
        settings, here = self._settings, self._directory
        self._cluster.pair.write(here, "ca")
        hosts = [LOOPBACK, "localhost", settings.service_address, "kubernetes", "kubernetes.default",
                 "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]  # fmt: skip
        self._cluster.server("kube-apiserver", hosts).write(here, "apiserver")
        etcd = Authority(f"etcd {settings.name}")
        etcd.pair.write(here, "etcd-ca")
        etcd.server("etcd", [LOOPBACK]).write(here, "etcd")
        etcd.client("kube-apiserver").write(here, "etcd-client")
        front = Authority(f"front proxy {settings.name}")
        front.pair.write(here, "front-proxy-ca")
        front.client("front-proxy-client").write(here, "front-proxy")
        private, public = service_account_key()
        write_secret(here / "service-account.key", private)
        (here / "service-account.pub").write_bytes(public)

    def write_kubeconfigs(self, api_port: int) -> None:
        """Write one kubeconfig per user, each with a client certificate."""
        users = {
            "admin": self._cluster.client("lab:admin", _MASTERS),
            "node-player": self._cluster.client("lab:node-player", _MASTERS),
            "kube-controller-manager": self._cluster.client("system:kube-controller-manager"),
            "kube-scheduler": self._cluster.client("system:kube-scheduler"),
        }
        for name, pair in users.items():
            content = _kubeconfig(f"https://{LOOPBACK}:{api_port}", self.certificate_authority, name, pair)
            write_secret(self.kubeconfig(name), json.dumps(content, indent=1).encode())

    def write_webhook(self) -> None:
        """Write the webhook configuration with which the API server verifies bearer tokens."""
        url = self._settings.authentication_webhook
        if url is not None:
            write_secret(self._file("webhook.kubeconfig"), json.dumps(_webhook(url), indent=1).encode())

    def write_egress(self) -> None:
        """Write the egress configuration: only traffic to the cluster goes through the node player."""
        way = {"proxyProtocol": "HTTPConnect", "transport": {"uds": {"udsName": str(self.egress_socket)}}}
        content = {
            "apiVersion": "apiserver.k8s.io/v1beta1",
            "kind": "EgressSelectorConfiguration",
            "egressSelections": [{"name": "cluster", "connection": way}],
        }
        self._file("egress.json").write_text(json.dumps(content, indent=1))

    def etcd(self, ports: Ports) -> list[str]:
        """Return the arguments of etcd; its data need not survive the lab, so it does not sync to disk."""
        clients, peers = f"https://{LOOPBACK}:{ports.etcd}", f"http://{LOOPBACK}:{ports.etcd_peers}"
        return [
            "--name=lab",
            f"--data-dir={self._data}",
            "--unsafe-no-fsync",
            "--socket-reuse-port",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=lab={peers}",
            "--client-cert-auth",
            f"--trusted-ca-file={self._file('etcd-ca.crt')}",
            f"--cert-file={self._file('etcd.crt')}",
            f"--key-file={self._file('etcd.key')}",
            f"--quota-backend-bytes={4 * 2**30}",
            "--enable-grpc-gateway=false",
            "--log-level=warn",
        ]

    def api_server(self, ports: Ports) -> list[str]:
        return [
            f"--bind-address={LOOPBACK}",
            f"--secure-port={ports.api}",
            "--permit-port-sharing",
            f"--advertise-address={_ADVERTISED}",
            f"--external-hostname={LOOPBACK}",
            f"--tls-cert-file={self._file('apiserver.crt')}",
            f"--tls-private-key-file={self._file('apiserver.key')}",
            f"--client-ca-file={self._file('ca.crt')}",
            f"--etcd-servers=https://{LOOPBACK}:{ports.etcd}",
            f"--etcd-cafile={self._file('etcd-ca.crt')}",
            f"--etcd-certfile={self._file('etcd-client.crt')}",
            f"--etcd-keyfile={self._file('etcd-client.key')}",
            f"--service-cluster-ip-range={self._settings.service_cidr}",
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--egress-selector-config-file={self._file('egress.json')}",
            *self._service_accounts(),
            *self._aggregation(),
            *self._audit(),
            *self._webhook(),
            *self._emulation(),
        ]

    def controller_manager(self) -> list[str]:
        """Return the arguments of kube-controller-manager, without serving and leader election."""
        return [
            *self._client_of_api("kube-controller-manager"),
            "--allocate-node-cidrs=false",
            "--use-service-account-credentials",
            f"--service-account-private-key-file={self._file('service-account.key')}",
            f"--root-ca-file={self._file('ca.crt')}",
            f"--cluster-signing-cert-file={self._file('ca.crt')}",
            f"--cluster-signing-key-file={self._file('ca.key')}",
            f"--flex-volume-plugin-dir={self._file('volume-plugins')}",
        ]

    def scheduler(self) -> list[str]:
        return self._client_of_api("kube-scheduler")

    def _client_of_api(self, name: str) -> list[str]:
        """Return the arguments that controller manager and scheduler share.

        The scheduler needs the emulated version too: otherwise it requests APIs that the API server hides,
        and schedules nothing.
        """
        kubeconfig = f"--kubeconfig={self.kubeconfig(name)}"
        return [kubeconfig, "--leader-elect=false", "--secure-port=0", *_RATES, *self._emulation()]

    def _service_accounts(self) -> list[str]:
        return [
            f"--service-account-issuer={self._settings.issuer}",
            f"--service-account-key-file={self._file('service-account.pub')}",
            f"--service-account-signing-key-file={self._file('service-account.key')}",
        ]

    def _aggregation(self) -> list[str]:
        # No kube-proxy runs beside the API server, so webhooks and aggregated APIs are called at addresses of
        # their pods, as by control planes of EKS (kubernetes.io, "Configure the Aggregation Layer").
        return [
            "--enable-aggregator-routing=true",
            f"--requestheader-client-ca-file={self._file('front-proxy-ca.crt')}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={self._file('front-proxy.crt')}",
            f"--proxy-client-key-file={self._file('front-proxy.key')}",
        ]

    def _audit(self) -> list[str]:
        return [f"--audit-policy-file={_AUDIT_POLICY}", f"--audit-log-path={self.audit_log}"]

    def _webhook(self) -> list[str]:
        if self._settings.authentication_webhook is None:
            return []
        return [
            f"--authentication-token-webhook-config-file={self._file('webhook.kubeconfig')}",
            "--authentication-token-webhook-version=v1",
            f"--authentication-token-webhook-cache-ttl={_CACHE_OF_TOKENS}",
        ]

    def _emulation(self) -> list[str]:
        version = self._settings.emulated_version
        return [] if version is None else [f"--emulated-version={version}"]

    @property
    def _data(self) -> Path:
        return self._file("etcd")

    def _file(self, name: str) -> Path:
        return self._directory / name


def _kubeconfig(server: str, authority: bytes, user: str, pair: Pair) -> dict[str, object]:
    cluster = {"server": server, "certificate-authority-data": _base64(authority)}
    credentials = {
        "client-certificate-data": _base64(pair.certificate),
        "client-key-data": _base64(pair.key),
    }
    return _config(cluster, user, credentials)


def _webhook(url: str) -> dict[str, object]:
    return _config({"server": url}, "kube-apiserver", {})


def _config(cluster: dict[str, str], user: str, credentials: dict[str, str]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
        "current-context": "lab",
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
