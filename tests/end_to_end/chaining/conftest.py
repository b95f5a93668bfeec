"""One existing cluster per test module, with the program configured to chain Cilium in it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.demo.chaining import STACK
from tests.end_to_end.existing.making import MakeExisting, making


@pytest.fixture(scope="module")
def make_existing(
    tmp_path_factory: pytest.TempPathFactory, copy_of_project: Callable[[Path], Path]
) -> Iterator[MakeExisting]:
    """Makes the cluster of a module: `make_existing(shape, **refresh)`."""

    def new_folder() -> Path:
        return tmp_path_factory.mktemp("lab")

    with making(STACK, "refresh", new_folder, copy_of_project) as make:
        yield make
