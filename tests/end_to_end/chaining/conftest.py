"""One sample cluster per test module, with the program configured to chain Cilium in it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.demo.chaining import STACK
from tests.end_to_end.sample_cluster.cluster import MakeExisting, cluster_factory


@pytest.fixture(scope="module")
def make_existing(
    tmp_path_factory: pytest.TempPathFactory, copy_of_project: Callable[[Path], Path]
) -> Iterator[MakeExisting]:
    """Creates the cluster of a module: `make_existing(spec, **refresh)`."""

    def new_folder() -> Path:
        return tmp_path_factory.mktemp("lab")

    with cluster_factory(STACK, "refresh", new_folder, copy_of_project) as make:
        yield make
