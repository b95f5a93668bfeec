"""The wheel, as a user gets it: what is in it, what it brings along, and that its commands work."""

import base64
import json
import os
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.environment import ROOT

pytestmark = [pytest.mark.package, pytest.mark.timeout(900)]

MINORS = ("1.12", "1.15", "1.16", "1.17", "1.18", "1.19", "1.20")


@dataclass(frozen=True)
class Installed:
    """A clean checkout of the project, the wheel built in it, and an empty environment that has the wheel."""

    checkout: Path
    wheel: Path
    environment: Path

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, in a folder that has nothing of the project."""
        return subprocess.run(
            [str(self.environment / "bin" / command[0]), *command[1:]],
            cwd=self.environment,
            env={**clean_environment(self.environment), **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def eks_cilium(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("eks-cilium", *arguments, **variables)


def clean_environment(home: Path) -> dict[str, str]:
    """The variables that pip needs, and no credentials or clusters of the user."""
    kept = {
        key: value for key, value in os.environ.items() if key.startswith(("PIP_", "SSL_", "LC_", "LANG"))
    }
    proxies = {key: value for key, value in os.environ.items() if key.lower().endswith("_proxy")}
    return {
        **kept,
        **proxies,
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("package")
    checkout = folder / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(checkout)], check=True)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    subprocess.run(
        [
            *(str(environment / "bin" / "python"), *pip[1:]),
            *("install", "--constraint", str(checkout / "constraints.txt"), str(wheel)),
        ],
        check=True,
    )
    return Installed(checkout, wheel, environment)


def test_the_wheel_holds_the_package_and_nothing_else(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()

    folders = {name.split("/")[0] for name in names}
    assert folders == {"eks_cilium", installed.wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}
    tracked = subprocess.run(
        ["git", "ls-files", "eks_cilium"], cwd=installed.checkout, capture_output=True, text=True, check=True
    )
    page = "eks_cilium/troubleshooting.md"
    assert {name for name in names if name.startswith("eks_cilium/")} == {*tracked.stdout.splitlines(), page}
    assert "eks_cilium/py.typed" in names
    for minor in MINORS:
        assert f"eks_cilium/cilium/crds/{minor}.json" in names
        assert f"eks_cilium/cilium/keys/{minor}.txt" in names


def test_it_brings_only_what_the_commands_need(installed: Installed) -> None:
    listed = json.loads(installed.run("python", "-m", "pip", "list", "--format", "json").stdout)
    names = {package["name"].lower().replace("_", "-") for package in listed}

    assert {"eks-cilium", "typer", "rich", "pydantic", "boto3", "httpx", "jsonschema", "pyyaml"} <= names
    unwanted = ("pulumi", "moto", "awscli", "cryptography", "grpcio", "websockets", "pytest", "mypy")
    assert [name for name in names if name.startswith(unwanted)] == []


def test_help_and_version_answer(installed: Installed) -> None:
    version = installed.wheel.name.split("-")[1]

    for arguments in (["--help"], ["plan", "--help"], ["verdict", "--help"], ["check", "--help"]):
        ran = installed.eks_cilium(*arguments)
        assert (ran.returncode, ran.stderr) == (0, ""), arguments
        assert "Exit status" in ran.stdout
    assert installed.eks_cilium("--version").stdout == f"eks-cilium {version}\n"


@pytest.mark.parametrize(
    "name",
    ["Pulumi.dev.yaml", "Pulumi.chaining-dev.yaml", "Pulumi.replacement-dev.yaml", "Pulumi.mesh-dev.yaml"],
)
def test_a_stack_of_the_project_is_checked(name: str, installed: Installed) -> None:
    ran = installed.eks_cilium("check", str(installed.checkout / "stacks" / name))

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "no problems" in ran.stdout


def test_a_wrong_stack_ends_with_2_and_a_missing_one_with_1(installed: Installed, tmp_path: Path) -> None:
    good = (installed.checkout / "stacks" / "Pulumi.dev.yaml").read_text()
    wrong = tmp_path / "Pulumi.wrong.yaml"
    wrong.write_text(good.replace("eks-cilium:tags", "eks-cilium:tag"))

    blocked, missing = installed.eks_cilium("check", str(wrong)), installed.eks_cilium("check", "none.yaml")

    assert (blocked.returncode, missing.returncode) == (2, 1)
    assert "rename eks-cilium:tag to eks-cilium:tags" in blocked.stdout
    assert (missing.stdout, missing.stderr) == (
        "",
        "not checked: cannot read none.yaml: No such file or directory\n",
    )


def test_what_a_message_names_is_explained(installed: Installed) -> None:
    ran = installed.eks_cilium("explain", "lease-held")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "**Go on:**" in ran.stdout


def test_a_plan_without_credentials_says_how_to_get_some(installed: Installed) -> None:
    ran = installed.eks_cilium("plan", "--cluster", "shop", "--region", "eu-central-1")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("no plan: ")
    assert "credentials" in ran.stderr
    assert "Traceback" not in ran.stderr


POLICY = {
    "metadata": {"name": "allow", "namespace": "client"},
    "spec": {
        "endpointSelector": {},
        "egress": [{"toEndpoints": [{"matchLabels": {"io.kubernetes.pod.namespace": "server"}}]}],
    },
}


def endpoint(namespace: str) -> dict[str, Any]:
    labels = {
        "io.kubernetes.pod.namespace": namespace,
        "io.cilium.k8s.policy.cluster": "one",
        "app": namespace,
    }
    return {
        "metadata": {"name": f"{namespace}-1", "namespace": namespace},
        "status": {"identity": {"labels": [f"k8s:{key}={value}" for key, value in labels.items()]}},
    }


ANSWERS: Mapping[str, Any] = {
    "/api/v1/namespaces/kube-system/configmaps/cilium-config": {"data": {"cluster-name": "one"}},
    "/apis/cilium.io/v2/ciliumnetworkpolicies": {"items": [POLICY]},
    "/apis/cilium.io/v2/ciliumendpoints": {"items": [endpoint("client"), endpoint("server")]},
    "/api/v1/pods": {
        "items": [
            {"metadata": {"name": "client-1", "namespace": "client"}, "spec": {}},
            {
                "metadata": {"name": "server-1", "namespace": "server"},
                "spec": {"containers": [{"ports": [{"containerPort": 80}]}]},
            },
        ]
    },
}


class Cluster(BaseHTTPRequestHandler):
    """Answers what a verdict reads, as the API server of a cluster with two pods and one policy."""

    def do_GET(self) -> None:
        answer = ANSWERS.get(self.path.split("?")[0])
        body = json.dumps(answer or {"message": "none"}).encode()
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the output is the test's."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file = tmp_path / "kubeconfig"
    config = {
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "me"}}],
        "clusters": [{"name": "one", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "me", "user": {"token": base64.b64encode(b"me").decode()}}],
    }
    file.write_text(yaml.safe_dump(config))
    yield file
    server.shutdown()
    server.server_close()


def test_a_verdict_of_a_cluster_is_given(installed: Installed, kubeconfig: Path) -> None:
    arguments = ("verdict", "--context", "one", "--from", "one/client", "--to", "one/server")

    table = installed.eks_cilium(*arguments, "--expect", "allowed", KUBECONFIG=str(kubeconfig))
    other = installed.eks_cilium(*arguments, "--expect", "denied", KUBECONFIG=str(kubeconfig))
    unread = installed.eks_cilium(*arguments, "--kubeconfig", "none")

    assert (table.returncode, other.returncode, unread.returncode) == (0, 2, 1), table.stderr
    assert "80/TCP  allowed  allowed by client/allow egress[0]" in table.stdout
    assert unread.stderr.startswith("no verdict: cannot read kubeconfig none")
