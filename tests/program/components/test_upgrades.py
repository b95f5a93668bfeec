"""Programs refuse an upgrade over a minor before they register anything, and print what Cilium says."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from eks_cilium.cluster.cilium_release import running_release
from stacks import new_cluster
from stacks.cilium_upgrades import present_release
from tests.program.components import test_chaining_resources as of_chaining
from tests.program.components import test_new_cluster_resources as of_new_cluster
from tests.program.components import test_replacement_resources as of_replacement
from tests.program.components.recording import Recorder, WithoutKey, record

pytestmark = pytest.mark.simulation

OVER = (
    r"cilium\.version is \"1\.19\.7\"(.|\n)*1\.17\.x or 1\.18\.x(.|\n)*'eks-cilium:cilium\.version' 1\.18\.11"
)


def preview_of_new_cluster(
    before: str | None, wanted: str = "1.19.7", *, values: dict[str, Any] | None = None
) -> Recorder:
    """Preview a cluster whose last update exported a release of Cilium."""
    cilium = {**of_new_cluster.SETTINGS["cilium"], "version": wanted, "values": values or {}}
    settings = of_new_cluster.settings_of({"cilium": cilium})
    outputs = {"outputs": {"cluster": {"ciliumVersion": before}} if before else {}}
    return record(
        lambda: new_cluster.run(
            settings,
            lambda known: present_release(known, running=nothing_runs),
            lambda *_: WithoutKey(),
        ),
        {"readStackOutputs": outputs},
        preview=True,
    )


def nothing_runs(_place: Mapping[str, Any]) -> None:
    """A cluster that cannot be read from here."""


@pytest.mark.parametrize("preview", [True, False])
def test_modes_that_read_their_cluster_refuse_an_upgrade_over_a_minor(preview: bool) -> None:
    migrated = replace(of_replacement.READING, cilium="1.17.15")
    chained = replace(of_chaining.READING, cilium="1.17.15")

    with pytest.raises(pulumi.RunError, match=OVER):
        of_replacement.recorded(reading=migrated, preview=preview)
    with pytest.raises(pulumi.RunError, match=OVER):
        of_chaining.recorded(reading=chained)


def test_a_new_cluster_refuses_it_without_reading_the_cluster() -> None:
    with pytest.raises(pulumi.RunError, match=OVER):
        preview_of_new_cluster("1.17.15")


def test_a_rollback_to_the_vpc_cni_is_not_held_up() -> None:
    reading = replace(of_replacement.READING, cilium="1.17.15")

    assert of_replacement.recorded(of_replacement.ROLLBACK, reading).of("AgentsGone")


def test_an_older_minor_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="helm rollback cilium"):
        preview_of_new_cluster("1.20.2")


@pytest.mark.parametrize("before", [None, "1.18.11", "1.19.2", "1.19.9"])
def test_the_first_release_and_neighbours_are_not_refused(before: str | None) -> None:
    assert preview_of_new_cluster(before).only("Release").inputs["version"] == "1.19.7"


def test_what_runs_in_the_cluster_counts_more_than_the_outputs() -> None:
    settings = of_new_cluster.settings_of()
    outputs = {"cluster": {"ciliumVersion": "1.20.2"}}
    asked: list[Mapping[str, Any]] = []

    def rolled_back(place: Mapping[str, Any]) -> str:
        asked.append(place)
        return "1.19.7"

    assert present_release(settings, lambda: outputs, rolled_back) == "1.19.7"
    assert asked == [{"cluster_name": "dev", "region": "eu-central-1", "profile": None}]


def test_the_cluster_is_asked_only_where_the_minor_changes() -> None:
    settings = of_new_cluster.settings_of()
    outputs = {"cluster": {"ciliumVersion": "1.19.2"}}

    def fails(_place: Mapping[str, Any]) -> str:
        raise AssertionError("read without need")

    assert present_release(settings, lambda: outputs, fails) == "1.19.2"
    assert present_release(settings, dict, fails) is None


def test_a_preview_between_neighbours_prints_what_cilium_says_of_the_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    preview_of_new_cluster("1.18.4", values={"labels": "k8s:app"})

    assert "newest patch of 1.18 first" in caplog.text
    assert "Cilium's upgrade notes, 1.18 to 1.19:" in caplog.text
    assert "authentication.enabled (not set): mutual authentication is off" in caplog.text
    assert "https://docs.cilium.io/en/v1.19/operations/upgrade/" in caplog.text


@pytest.mark.parametrize("before", [None, "1.19.7", "1.19.2"])
def test_nothing_is_printed_where_the_minor_stays(caplog: pytest.LogCaptureFixture, before: str) -> None:
    caplog.set_level(logging.INFO)

    preview_of_new_cluster(before)

    assert "upgrade notes" not in caplog.text


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("quay.io/cilium/cilium:v1.18.11@sha256:0123", "1.18.11"),
        ("registry.internal:5000/cilium:1.17.15-fips", "1.17.15"),
        ("registry.internal/cilium@sha256:0123", None),
        (None, None),
    ],
)
def test_the_running_release_is_in_the_tag_of_the_agents(image: str | None, version: str | None) -> None:
    assert running_release(Cluster(image)) == version


class Cluster:
    """The API of a cluster with one DaemonSet at most."""

    def __init__(self, image: str | None) -> None:
        self._image = image

    def get(self, path: str) -> dict[str, Any] | None:
        if self._image is None or not path.endswith("/daemonsets/cilium"):
            return None
        containers = [{"name": "cilium-agent", "image": self._image}]
        return {"spec": {"template": {"spec": {"containers": containers}}}}

    def each(self, path: str, keep: Any, **selectors: str) -> list[Any]:
        raise AssertionError(f"{path} is not needed")

    def list(self, path: str, **selectors: str) -> list[Any]:
        raise AssertionError(f"{path} is not needed")
