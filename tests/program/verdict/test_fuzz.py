"""Whatever a policy file or an object of the API holds, the answer is a message and never a traceback.

`FUZZ_SECONDS=3600 pytest tests/program/verdict/test_fuzz.py -m endurance -s` looks for an hour.
"""

import os
import random
import time

import pytest

from tests.program.verdict.fuzzing import Fuzz, LiveFuzz, fuzzers

SECONDS = float(os.environ.get("FUZZ_SECONDS", "120"))
SHORT, SHORT_OF_CLUSTERS = 150, 15


@pytest.mark.unit
def test_spoiled_objects_and_files_end_in_messages() -> None:
    fuzz = Fuzz(1)
    for _ in range(SHORT):
        fuzz.step()


@pytest.mark.unit
def test_clusters_with_spoiled_objects_are_judged_and_explained_without_a_traceback() -> None:
    fuzz = LiveFuzz(1)
    for _ in range(SHORT_OF_CLUSTERS):
        fuzz.step()


@pytest.mark.endurance
@pytest.mark.timeout(int(SECONDS) + 300)
def test_spoiled_objects_and_files_end_in_messages_for_as_long_as_asked() -> None:
    seed = int(os.environ.get("FUZZ_SEED", str(random.SystemRandom().randrange(1 << 30))))
    print(f"FUZZ_SEED={seed}")
    steps, end = 0, time.process_time() + SECONDS
    for fuzz in fuzzers(seed):
        fuzz.step()
        steps += 1
        if time.process_time() >= end:
            break
    print(f"{steps} steps")
