"""The models of AWS's services are parsed once in a process, though each client has a session of its own."""

from pathlib import Path
from typing import Any

import pytest

from eks_cilium.clients.aws import Credentials, client

pytestmark = pytest.mark.unit

HERE = Credentials("eu-central-1")


def loader_of(credentials: Credentials = HERE) -> Any:
    return credentials.session()._session.get_component("data_loader")


def test_sessions_share_what_they_have_parsed() -> None:
    assert loader_of() is loader_of()
    assert loader_of().load_service_model("sts", "service-2") is loader_of().load_service_model(
        "sts", "service-2"
    )


def test_the_folders_that_are_searched_do_not_get_more_with_each_session() -> None:
    before = list(loader_of().search_paths)

    for _ in range(3):
        client(HERE, "sts")

    assert list(loader_of().search_paths) == before


def test_folders_of_the_users_own_are_searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))

    assert str(tmp_path) in loader_of().search_paths
    monkeypatch.delenv("AWS_DATA_PATH")
    assert str(tmp_path) not in loader_of().search_paths
