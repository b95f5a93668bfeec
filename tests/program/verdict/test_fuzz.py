"""Whatever a policy file or an object of the API holds, the answer is a message and never a traceback.

`FUZZ_SECONDS=3600 pytest tests/program/verdict/test_fuzz.py -m endurance -s` looks for an hour.
"""

import json
import os
import random
import time
from typing import Any

import pytest
import yaml

from eks_cilium.errors import UserError
from eks_cilium.policy.objects import Policy, check
from eks_cilium.policy.objects.checking import clusters_named, unknown_clusters
from eks_cilium.policy.objects.documents import parse_policies
from eks_cilium.policy.verdict import Cluster, Evaluator, SelectorScope
from eks_cilium.policy.verdict.changes import selector_changes
from tests.program.verdict.mutants import VALUES, WORDS, Mutants
from tests.program.verdict.oracle import ours

SECONDS = float(os.environ.get("FUZZ_SECONDS", "120"))
RELEASES = ("1.12.4", "1.15.19", "1.16.19", "1.18.11", "1.19.7", "1.20.2")
SHORT = 150


class Fuzz:
    """Objects and files with many faults; what happens depends on the seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._mutants = Mutants(seed)

    def step(self) -> None:
        """Read an object as one of the API's, and as one in a file."""
        case = self._mutants.case()
        written = json.loads(json.dumps(case.clusters[0].policies[0].object))
        for _ in range(self._random.randint(0, 4)):
            self._spoil(written)
        version = self._random.choice(RELEASES)
        self._as_object(written, version)
        ours(case)
        text = yaml.safe_dump(written)
        self._as_file(text, version)
        self._as_file(self._garbled(text), version)

    def _spoil(self, written: dict[str, Any]) -> None:
        holder: dict[Any, Any] = written
        while (inner := [each for each in holder.values() if isinstance(each, dict) and each]) and (
            self._random.random() < 0.6
        ):
            holder = self._random.choice(inner)
        key = self._random.choice((*holder, 5, None, "metadata", "spec", "specs", "kind"))
        holder[key] = json.loads(json.dumps(self._random.choice(VALUES)))

    def _as_object(self, written: dict[str, Any], version: str) -> None:
        policy = Policy("cluster-1", written)
        check(policy, version)
        clusters_named(policy)
        selector_changes((policy,))
        cluster = Cluster("cluster-1", SelectorScope.OWN_CLUSTER, (policy,))
        assert all(str(each.why) for each in Evaluator([cluster]).not_evaluated)

    def _as_file(self, text: str, version: str) -> None:
        try:
            found = parse_policies(text, cluster="cluster-1", origin="policies/file.yaml")
        except UserError:
            return
        for policy in found:
            if not check(policy, version):
                list(unknown_clusters(policy, {"cluster-1"}))

    def _garbled(self, text: str) -> str:
        for _ in range(self._random.randint(1, 5)):
            first, last = sorted(self._random.randint(0, len(text)) for _ in range(2))
            word = self._random.choice(
                (*WORDS, "\t", "\0", "&a ", "*a", "<<: *a\n", "!!binary ", "- ", "{", "\u2028")
            )
            text = text[:first] + word + text[first if self._random.random() < 0.7 else last :]
        return text


@pytest.mark.unit
def test_spoiled_objects_and_files_end_in_messages() -> None:
    fuzz = Fuzz(1)
    for _ in range(SHORT):
        fuzz.step()


@pytest.mark.endurance
@pytest.mark.timeout(int(SECONDS) + 300)
def test_spoiled_objects_and_files_end_in_messages_for_as_long_as_asked() -> None:
    seed = int(os.environ.get("FUZZ_SEED", str(random.SystemRandom().randrange(1 << 30))))
    print(f"FUZZ_SEED={seed}")
    fuzz, end = Fuzz(seed), time.process_time() + SECONDS
    while time.process_time() < end:
        fuzz.step()
