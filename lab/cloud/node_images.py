"""The node images that AWS publishes: SSM's public parameters, and the EC2 images they name.

Tools look up the newest image of a Kubernetes version in SSM. `lab.cloud.ec2` publishes parameters and images
when it is installed; no API call can write below `/aws/service`. As on AWS, each release has its own image
id, which is also the image of EKS node groups.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami
from moto.ssm.models import Parameter, ssm_backends

from lab.cloud.kubernetes_versions import OFFERED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.cloud.kubernetes_versions import KubernetesVersion

_OWNER = "602401143452"  # the account in which AWS publishes EKS's images
_BOTTLEROCKET = "1.52.0"


@dataclass(frozen=True)
class Image:
    """One published image: the common prefix of its parameters' names, and their values."""

    path: str
    id: str
    name: str
    release: str
    architecture: str
    release_parameter: str

    @property
    def parameters(self) -> dict[str, str]:
        """Return the values of the image's public parameters by name."""
        return {f"{self.path}/image_id": self.id, f"{self.path}/{self.release_parameter}": self.release}


def image_id(ami_type: str, release: str) -> str:
    """Return the id of the image of an EKS AMI type and release version."""
    return f"ami-{hashlib.sha256(f'{ami_type} {release}'.encode()).hexdigest()[:17]}"


def published() -> Iterator[Image]:
    """Yield every image of every Kubernetes version that the lab's EKS offers."""
    for version in OFFERED.values():
        for architecture in ("x86_64", "arm64"):
            yield _amazon_linux(version, architecture)
            yield _bottlerocket(version, architecture)


def _amazon_linux(version: KubernetesVersion, architecture: str) -> Image:
    date = version.release_version.rpartition("-")[2]
    ami_type = "AL2023_x86_64_STANDARD" if architecture == "x86_64" else "AL2023_ARM_64_STANDARD"
    where = f"{version.minor}/amazon-linux-2023/{architecture}/standard/recommended"
    return Image(
        path=f"/aws/service/eks/optimized-ami/{where}",
        id=image_id(ami_type, version.release_version),
        name=f"amazon-eks-node-al2023-{architecture}-standard-{version.minor}-v{date}",
        release=version.release_version,
        architecture=architecture,
        release_parameter="release_version",
    )


def _bottlerocket(version: KubernetesVersion, architecture: str) -> Image:
    ami_type = "BOTTLEROCKET_x86_64" if architecture == "x86_64" else "BOTTLEROCKET_ARM_64"
    return Image(
        path=f"/aws/service/bottlerocket/aws-k8s-{version.minor}/{architecture}/latest",
        id=image_id(ami_type, version.release_version),
        name=f"bottlerocket-aws-k8s-{version.minor}-{architecture}-v{_BOTTLEROCKET}",
        release=f"{_BOTTLEROCKET}-{version.minor}",
        architecture=architecture,
        release_parameter="image_version",
    )


def publish(account: str, region: str) -> None:
    """Store the parameters in SSM and the images in EC2."""
    parameters = ssm_backends[account][region]._parameters
    backend = ec2_backends[account][region]
    for image in published():
        for name, value in image.parameters.items():
            parameters[name] = [_parameter(account, name, value)]
        backend.amis[image.id] = Ami(
            backend,
            image.id,
            name=image.name,
            description=f"EKS node image, release {image.release}",
            owner_id=_OWNER,
            owner_alias="amazon",
            public=True,
            virtualization_type="hvm",
            architecture=image.architecture,
            root_device_type="ebs",
            root_device_name="/dev/xvda",
            region_name=region,
        )


def _parameter(account: str, name: str, value: str) -> Parameter:
    return Parameter(
        account_id=account,
        name=name,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=time.time(),
        version=1,
        data_type="text",
    )
