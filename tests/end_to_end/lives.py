"""The life of a stack from its preview to its second preview, in a form that can be compared field by field.

Values that the cloud, the API server or chance makes up are replaced by the name of their kind.
"""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lab import program
from lab.plugins import OFFICIAL, Providers, executable
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.modes.conftest import Run
from tests.end_to_end.sample_cluster.cluster import MakeExisting
from tests.parity import Allowed

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"

GENERATED = [
    (r"-----BEGIN [^-]+-----[^-]+-----END [^-]+-----", "PEM"),
    (r"LS0tLS1[A-Za-z0-9+/=]+", "PEM"),
    (r"\bSHA256:\S+", "FINGERPRINT"),
    (r"\b([0-9a-f]{2}:){15}[0-9a-f]{2}\b", "FINGERPRINT"),
    (r"\becdsa-sha2-nistp256 \S+", "PUBLIC-KEY"),
    (r"^[0-9a-f]{16}$", "FINGERPRINT"),
    (r"\b\d{30,}\b", "SERIAL"),
    (r"https?://[^\s\"']+", "URL"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UUID"),
    (r"\b\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]00:00)?", "TIME"),
    (r"\b[0-9a-fA-F]{32,64}\b", "HASH"),
    (r"\bec2-[\d-]+(?=\.)", "ADDRESS"),
    (r"\b127\.\d+\.\d+\.\d+(:\d+)?", "ADDRESS"),
    (r"\b[a-z]+(-[a-z]+)?-[0-9a-f]{8,17}\b", "ID"),
    (r"(?<=-)[0-9a-f]{7,16}\b", "SUFFIX"),
    (r"\b[A-Z0-9]{20,24}\b", "ID"),
    (r"^\d{4,5}$", "PORT"),
    # A plan's estimate follows the order of the groups, whose names have an id that EKS makes up.
    (r"\b(\d+ h )?(\d+ min )?\d+ s\b", "ESTIMATE"),
]
"""What the cloud, the API server, keys and chance make up: patterns, and what stands for them."""
NOT_COMPARED = {"id", "urn", "created", "modified", "sourcePosition", "stackTrace"}
MADE_UP = {"uid", "creationTimestamp", "resourceVersion", "managedFields", "generation"}
"""Fields of objects that the API server fills in."""


_MISSING = [name for name in ("pulumi", *map(executable, OFFICIAL)) if not shutil.which(name)]
WITH_OFFICIAL_PROVIDERS = [
    pytest.mark.lab,
    pytest.mark.real_engine,
    pytest.mark.endurance,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(bool(_MISSING), reason=f"not on PATH: {', '.join(_MISSING)}"),
]
"""Marks of the tests that run the program with the official CLI and providers."""


ALLOWED = [
    Allowed(f".*{path}", reason, always=False)
    for path, reason in (
        (r"\$kubernetes:helm.*\btakeOwnership", "an input of newer plugins, which the lab emulates"),
        (r"-eks-k8s\.(inputs|outputs)\.version", "that of the SDK inside of the plugin eks"),
        (r"\$tls:.*\.(__meta|__pulumi_raw_state_delta)", "how a bridge to Terraform finds its own state"),
        (
            r"\$kubernetes:(?!helm).*\.outputs\.__inputs\..*",
            "the lab encrypts all inputs of an object, the official provider those that are secret",
        ),
        (r"\.(seconds(\.\w+)?|estimatedSeconds)", "measured"),
        (r"\$pulumi-python:.*NodeRotation::.*\.evicted", "where the scheduler had put the pods"),
        (r"\.plan\.(0|headline)", "an estimate from what was measured"),
    )
]
"""Differences between the emulated and the official providers, of any stack."""


@dataclass(frozen=True)
class Life:
    """What a stack showed and became."""

    preview: list[tuple[str, str]]
    """Operation and URN of every step of the first preview, without default providers."""
    state: dict[str, dict[str, Any]]
    """Its resources by URN, after the update."""
    again: int
    """Exit code of a second preview that expects no changes."""


def life(pulumi: Callable[..., Run]) -> Life:
    """Preview and update a stack, and preview it again."""
    preview = succeeded(pulumi("preview", "--json")).json()
    succeeded(pulumi("up", "--yes", "--skip-preview"))
    exported = succeeded(pulumi("stack", "export", "--show-secrets")).json()
    again = pulumi("preview", "--diff", "--expect-no-changes")
    print(again.output)
    steps = [(step["op"], step["urn"]) for step in preview["steps"] if "::default" not in step["urn"]]
    return Life(sorted((op, masked(urn)) for op, urn in steps), resources(exported), again.code)


def lives_on(make_existing: MakeExisting, **keys: Any) -> dict[Providers, Life]:
    """The life of a stack with each kind of providers, each on a small cluster of its own.

    Args:
        make_existing: The fixture that makes a cluster with its stack.
        keys: What the configuration of the stack says besides.
    """
    found = {}
    spec = ClusterSpec(nodes=3, groups=1, workloads=("storage", "small", "database"))
    for providers in Providers:
        existing = make_existing(spec, engine=program.OFFICIAL, **keys)
        places = replace(existing.places, providers=providers)
        found[providers] = life(replace(existing, places=places).pulumi)
    return found


def succeeded(run: Run) -> Run:
    """The run, which must not have failed."""
    assert run.code == 0, run.output
    return run


def resources(deployment: Any) -> dict[str, dict[str, Any]]:
    """Each resource of an exported deployment by its URN, without what is made up.

    Resources whose URNs differ only in that are numbered. The default providers are left out: their names
    hold the versions of the SDKs that asked for them.
    """
    found: dict[str, dict[str, Any]] = {}
    for resource in deployment["deployment"]["resources"]:
        if "::default" in resource["urn"]:
            continue
        urn = masked(resource["urn"])
        same = sum(key == urn or key.startswith(f"{urn} #") for key in found)
        found[f"{urn} #{same}" if same else urn] = _fields(resource)
    return found


def _fields(resource: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in resource.items() if key not in NOT_COMPARED and value}
    kept["provider"] = re.sub(r"::default_[^:]*", "::default", kept.get("provider", "")).rpartition("::")[0]
    kept["dependencies"] = sorted(kept.get("dependencies") or [])
    by_property = kept.get("propertyDependencies") or {}
    kept["propertyDependencies"] = {key: sorted(urns) for key, urns in by_property.items() if urns}
    return {key: value for key, value in masked(kept).items() if value}


def masked(value: Any) -> Any:
    """The value with names of kinds instead of what is made up; secrets are opened and marked."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return {"[secret]": masked(json.loads(value["plaintext"])) if "plaintext" in value else ""}
        kept = {key: each for key, each in value.items() if key not in {*MADE_UP, "__internal"}}
        return {masked(key): masked(each) for key, each in kept.items()}
    if isinstance(value, list):
        return [masked(each) for each in value]
    if not isinstance(value, str):
        return value
    for pattern, name in GENERATED:
        value = re.sub(pattern, name, value)
    return value
