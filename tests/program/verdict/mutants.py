"""Mutants: realistic policies with random faults, of which agents refuse some and enforce the others.

A fault deletes a key, gives it another name or another value, swaps two values, or changes the type of one.
`test_mutants` compares what our reader makes of them with what Cilium makes of them.
"""

from __future__ import annotations

import dataclasses
import json
import random
from typing import TYPE_CHECKING, Any

import yaml

from eks_cilium.cilium.versions import TRIED
from eks_cilium.policy.objects import Policy
from tests.program.verdict.generation import Generator
from tests.program.verdict.oracle import Case
from tests.program.verdict.refused_policies import ACCEPTED, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARE_OF_EXAMPLES = 0.25
MORE_FAULTS = 0.25
"""The share of mutants with a second fault."""

WRITTEN = tuple(yaml.safe_load(text) for text in (*ACCEPTED, *REFUSED))
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 80, 65536, 1.5, "", "x", "a b", "0", "80", "-1", "TCP", "10.0.0.0/8"),
    *([], {}, [None], [{}], [""], ["x"], {"x": "y"}, {"matchLabels": {"app": "a"}}, [[]]),
)
WORDS = ("", " ", ":", "/", "-", ".", "_", "*", "?", "[", "\\", "A", "0", "x" * 64, "k8s:", "any:", "$", "%")
KEYS = (
    *("ingress", "egress", "ingressDeny", "egressDeny", "endpointSelector", "nodeSelector"),
    *("fromEndpoints", "toEndpoints", "fromEntities", "toEntities", "fromCIDR", "toCIDR", "toCIDRSet"),
    *("fromCIDRSet", "toFQDNs", "toPorts", "icmps", "ports", "port", "endPort", "protocol", "rules", "http"),
    *(
        "dns",
        "matchLabels",
        "matchExpressions",
        "key",
        "operator",
        "values",
        "cidr",
        "except",
        "cidrGroupRef",
    ),
    *("enableDefaultDeny", "podSelector", "namespaceSelector", "ipBlock", "from", "to", "policyTypes"),
    *("serverNames", "listener", "authentication", "fields", "type", "family", "nonsense"),
)


class Mutants:
    """An endless sequence of cases with one policy each, every other one a mutant; a seed decides all."""

    def __init__(self, seed: int, version: str = TRIED[-1]) -> None:
        self._random = random.Random(seed)
        self._generator = Generator(seed, version)
        self._number = 0

    def case(self, flows: int = 2) -> Case:
        """A cluster with one policy that may be a mutant, and flows between its pods and other endpoints."""
        found = self._generator.case(flows)
        cluster = found.clusters[0]
        written = json.loads(json.dumps(cluster.policies[0].object))
        if "spec" in written and written["kind"] != "NetworkPolicy" and self._chance(SHARE_OF_EXAMPLES):
            written["spec"] = json.loads(json.dumps(self._random.choice(WRITTEN)))
        self._number += 1
        faults = 0 if self._number % 2 else 1 + self._chance(MORE_FAULTS)
        for _ in range(faults):
            self._damage(written)
        policy = Policy(cluster.name, written)
        first, second = found.clusters
        clusters = dataclasses.replace(first, policies=(policy,)), dataclasses.replace(second, policies=())
        return Case(clusters, found.flows, f"case {self._number}")

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _damage(self, policy: dict[str, Any]) -> None:
        found = _places_of(policy)
        if not found:
            return
        holder, key = self._random.choice(found)
        fault = self._random.choices(
            (self._delete, self._rename, self._replace, self._swap, self._misspell, self._empty),
            weights=(20, 15, 30, 10, 20, 5),
        )[0]
        fault(policy, holder, key)

    def _delete(self, policy: dict[str, Any], holder: Any, key: Any) -> None:
        del policy, holder[key]

    def _rename(self, policy: dict[str, Any], holder: Any, key: Any) -> None:
        if isinstance(holder, dict) and holder is not policy:
            holder[self._random.choice(KEYS)] = holder.pop(key)

    def _replace(self, policy: dict[str, Any], holder: Any, key: Any) -> None:
        holder[key] = json.loads(json.dumps(self._random.choice(VALUES)))

    def _swap(self, policy: dict[str, Any], holder: Any, key: Any) -> None:
        other, place = self._random.choice(_places_of(policy))
        if not _inside(other[place], holder) and not _inside(holder[key], other):
            holder[key], other[place] = other[place], holder[key]

    def _misspell(self, policy: dict[str, Any], holder: Any, key: Any) -> None:
        word = self._random.choice(WORDS)
        if isinstance(holder[key], str):
            holder[key] = self._with(holder[key], word)
        elif isinstance(holder[key], int):
            holder[key] = self._random.choice((-1, 0, 255, 256, 65535, 65536, 1 << 31, 1 << 40))
        elif isinstance(holder, dict):
            holder[self._with(key, word)] = holder.pop(key)

    def _empty(self, policy: dict[str, Any], holder: Any, key: Any) -> None:
        if isinstance(holder[key], list | dict):
            holder[key] = type(holder[key])()

    def _with(self, text: str, word: str) -> str:
        place = self._random.randint(0, len(text))
        return text[:place] + word + text[place:]


def _places_of(policy: dict[str, Any]) -> list[tuple[Any, Any]]:
    return list(places({key: policy[key] for key in ("spec", "specs") if key in policy}))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every dictionary and list below a value, with each of its keys or indexes."""
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        if key not in ("spec", "specs"):
            yield value, key
        if isinstance(child, dict | list):
            yield from places(child)


def _inside(value: Any, holder: Any) -> bool:
    return value is holder or (
        isinstance(value, dict | list)
        and any(child is holder or _inside(child, holder) for child in _children(value))
    )


def _children(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)
