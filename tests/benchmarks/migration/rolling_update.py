"""eks-rolling-update from PyPI, which replaces nodes whose launch template is out of date.

It knows nothing of CNIs: only the replacement of nodes is compared. What it needs to run here:

- a second version of each group's launch template makes all nodes outdated;
- it doubles each group in turn, and the maximum has to allow that;
- its `kubectl drain --delete-local-data` has been `--delete-emptydir-data` since kubectl 1.20
  (kubernetes/kubernetes, CHANGELOG-1.20.md), so that a `kubectl` in front of the real one translates it.

Its waits are sized for EC2: 90 s for a group to grow and 20 s between readings. They are set to the lab's
times (`WAITS`), and it goes on as soon as an instance is shutting down: that only makes it quicker.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from lab.sample_cluster.clients import Aws

VERSION = "1.1.8"
WAITS = {
    "CLUSTER_HEALTH_WAIT": "5",
    "CLUSTER_HEALTH_RETRY": "60",
    "GLOBAL_HEALTH_WAIT": "2",
    "GLOBAL_MAX_RETRY": "60",
    "INSTANCE_WAIT_FOR_STOPPING": "true",
}
_KUBECTL = """\
#!/usr/bin/env python3
import os, sys
words = [word.replace("--delete-local-data", "--delete-emptydir-data") for word in sys.argv[1:]]
os.execv({kubectl!r}, [{kubectl!r}, *words])
"""


def install(cache: Path) -> Path:
    """Install it into a virtual environment of its own, where it is not there yet; return its folder."""
    folder = cache / f"eks-rolling-update-{VERSION}"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        # It imports distutils, which setuptools brings along where Python has none any more.
        wanted = [f"eks-rolling-update=={VERSION}", "setuptools<80"]
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *wanted], check=True)
        (folder / "ready").touch()
    return folder


def command(folder: Path, cluster: str) -> list[str]:
    """Return the command line that replaces the nodes of a cluster."""
    return [str(folder / "bin" / "eks_rolling_update.py"), "--cluster_name", cluster]


def environment(usual: dict[str, str], kubectl: Path, folder: Path) -> dict[str, str]:
    """Return the environment of its process, with the kubectl that translates its option first on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    translating = folder / "kubectl"
    translating.write_text(_KUBECTL.format(kubectl=str(kubectl)))
    translating.chmod(0o755)
    return {**usual, **WAITS, "PATH": f"{folder}:{usual['PATH']}"}


def outdate(aws: Aws, cluster: str) -> None:
    """Give each group a second version of its launch template, and room for twice its nodes."""
    found = aws.autoscaling.describe_auto_scaling_groups(
        Filters=[{"Name": "tag:eks:cluster-name", "Values": [cluster]}]
    )["AutoScalingGroups"]
    for group in found:
        template = group["LaunchTemplate"]["LaunchTemplateId"]
        aws.autoscaling.update_auto_scaling_group(
            AutoScalingGroupName=group["AutoScalingGroupName"],
            MaxSize=max(group["MaxSize"], 2 * group["DesiredCapacity"]),
            LaunchTemplate={"LaunchTemplateId": template, "Version": _new_version(aws, template)},
        )


def _new_version(aws: Aws, template: str) -> str:
    created: dict[str, Any] = aws.ec2.create_launch_template_version(
        LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={}
    )
    return str(created["LaunchTemplateVersion"]["VersionNumber"])
