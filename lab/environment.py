"""The lab's files, and the environment variables with which clients reach it.

The command line, the demos and the tests use it. The lab is reached like any cloud: standard variables, a
kubeconfig, a PATH.
"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabNotRunningError
from lab.plugins import Providers
from lab.toolchain import default_cache

ROOT = Path(__file__).resolve().parent.parent
"""The checkout, which is the Pulumi project that the lab runs."""

PASSPHRASE = "lab"  # noqa: S105 - the state holds only throw-away secrets of a cloud on loopback
"""Encrypts secrets in the lab's state. The files in `lab/stacks/` hold the matching salt."""

STACK = "lab"
"""The stack of `python -m lab pulumi` where no `--stack` is given."""


@dataclass(frozen=True)
class Cloud:
    """How to reach the running cloud, as the cloud writes it into `cloud.json`."""

    url: str
    pid: int
    account: str
    access_key_id: str
    secret_access_key: str
    region: str

    @classmethod
    def read(cls, file: Path) -> "Cloud":
        """Return the cloud described by `file`.

        Raises:
            LabNotRunningError: there is no such file.
        """
        try:
            facts = json.loads(file.read_text())
        except FileNotFoundError:
            raise LabNotRunningError from None
        return cls(
            url=facts["url"],
            pid=facts["pid"],
            account=facts["account"],
            access_key_id=facts["accessKeyId"],
            secret_access_key=facts["secretAccessKey"],
            region=facts["region"],
        )


@dataclass(frozen=True)
class Places:
    """The folders of one lab, and how it runs the program. Several labs may run side by side."""

    directory: Path
    cache: Path
    project: Path = ROOT
    """The Pulumi project to run; tests run a copy of the checkout, to change its configuration."""
    providers: Providers = Providers.EMULATED
    """With which providers it is run."""

    @classmethod
    def default(cls, providers: str = Providers.EMULATED) -> "Places":
        """Return the lab of this checkout: `.lab`, or the folder that `$EKS_CILIUM_LAB` names."""
        chosen = os.environ.get("EKS_CILIUM_LAB")
        folder = Path(chosen).resolve() if chosen else ROOT / ".lab"
        return cls(folder, default_cache(), providers=Providers(providers))

    @property
    def cloud(self) -> Path:
        """The file that says how to reach the running cloud."""
        return self.directory / "cloud.json"

    @property
    def binaries(self) -> Path:
        """Links to the clients of the lab: helm, kubectl and the AWS CLI."""
        return self.directory / "bin"

    @property
    def charts(self) -> Path:
        """Cilium's packaged charts by version, which the lab's stack files name as chart repository."""
        return self.directory / "charts"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig with every cluster of the lab, written by `aws eks update-kubeconfig`."""
        return self.directory / "kubeconfig"

    def stack_file(self, stack: str) -> Path:
        """The configuration file of a stack of the lab, passed to pulumi with `--config-file`."""
        return self.project / "lab" / "stacks" / f"Pulumi.{stack}.yaml"

    @property
    def state(self) -> Path:
        """The state of the built-in engine."""
        return self.directory / "state"

    @property
    def pulumi_home(self) -> Path:
        """Home and file backend of the official CLI, where that runs the program."""
        return self.directory / "pulumi"


def client_variables(places: Places) -> dict[str, str]:
    """Return the variables with which kubectl, helm, the AWS CLI, boto3 and Pulumi use this lab.

    Raises:
        LabNotRunningError: the lab is not running.
    """
    cloud = Cloud.read(places.cloud)
    path = os.pathsep.join([str(places.binaries), str(Path(sys.prefix) / "bin"), os.environ.get("PATH", "")])
    return {
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": cloud.access_key_id,
        "AWS_SECRET_ACCESS_KEY": cloud.secret_access_key,
        "AWS_REGION": cloud.region,
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "EKS_CILIUM_HELM": str(places.binaries / "helm"),
        "KUBECONFIG": str(places.kubeconfig),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PATH": path,
    }


SHADOWING = (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
)
"""Variables of the user's own AWS set-up that would override the lab's, or mix with them."""


def client_environment(places: Places) -> dict[str, str]:
    """Return the whole environment of a child process that uses this lab, never the user's AWS account."""
    inherited = {name: value for name, value in os.environ.items() if name not in SHADOWING}
    isolated = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    return {**inherited, **isolated, **client_variables(places)}
