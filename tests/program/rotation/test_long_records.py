"""Values that are too long for one ConfigMap: written in parts, read whole, and never half."""

import json
from typing import Any

import httpx
import pytest

from eks_cilium.errors import TransientError
from eks_cilium.migration.inventory import recording
from eks_cilium.runtime import record
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import NODES, PROGRESS, Record
from eks_cilium.runtime.storage import parts
from eks_cilium.settings.model.migration import Target

from .simulation.api_server import status
from .simulation.world import Simulation
from .test_inventory_record import inventory_of

pytestmark = pytest.mark.unit

CONFIG_MAPS = "/api/v1/configmaps"


@pytest.fixture
def simulation() -> Simulation:
    return Simulation(workers=1)


def rows(count: int) -> list[str]:
    return [f"row {number} of {count}, as long as rows are" for number in range(count)]


def names(simulation: Simulation) -> list[str]:
    return sorted(obj["metadata"]["name"] for obj in simulation.api.of(CONFIG_MAPS))


def parts_of(simulation: Simulation) -> list[str]:
    return [name for name in names(simulation) if "-part-" in name]


@pytest.mark.parametrize("count", [0, 1, 2_000, 4_000, 50_000])
def test_a_value_of_any_length_is_read_as_it_was_written(simulation: Simulation, count: int) -> None:
    kept = simulation.world().record

    kept.put(NODES, rows(count))

    assert kept.get(NODES) == rows(count)
    assert kept.several(NODES, PROGRESS) == kept.each(NODES) == {NODES: rows(count)}
    sizes = [sum(map(len, obj.get("data", {}).values())) for obj in simulation.api.of(CONFIG_MAPS)]
    assert max(sizes) <= parts.MOST + len(NODES)


def test_twelve_thousand_nodes_are_recorded(simulation: Simulation) -> None:
    inventory = inventory_of(12_000)

    simulation.world().record.put(NODES, inventory.to_json())

    assert recording.required(simulation.world(), Target.CILIUM) == inventory
    assert len(parts_of(simulation)) > 1


def test_a_record_in_one_piece_by_an_earlier_version_is_read(simulation: Simulation) -> None:
    inventory = inventory_of(5_000)
    text = json.dumps(inventory.to_json(), sort_keys=True)
    metadata = {"name": parts.CONFIG_MAP, "namespace": parts.NAMESPACE}
    simulation.api.put(CONFIG_MAPS, {"metadata": metadata, "data": {NODES: text, PROGRESS: "{}"}})

    assert len(text) > parts.LONGEST
    assert recording.read(simulation.world(), Target.CILIUM) == inventory
    assert simulation.world().record.get(PROGRESS) == {}


@pytest.mark.parametrize("survives", [0, 1, 2])
def test_a_write_that_is_interrupted_leaves_the_value_of_before(
    simulation: Simulation, survives: int
) -> None:
    kept = simulation.world().record
    kept.put(NODES, rows(20_000))
    before, written = names(simulation), [0]

    def breaks(request: httpx.Request) -> httpx.Response | None:
        written[0] += request.method != "GET"
        return status(503, "going away") if written[0] > survives and request.method != "GET" else None

    simulation.api.answers.append(breaks)
    with pytest.raises(TransientError):
        kept.put(NODES, rows(21_000))
    simulation.api.answers.clear()
    simulation.restart()

    again = simulation.world().record
    assert again.get(NODES) == rows(20_000)
    assert set(before) <= set(names(simulation))

    again.put(NODES, rows(21_000))
    assert again.get(NODES) == rows(21_000)
    assert len(parts_of(simulation)) == len(parts_of_value(rows(21_000)))


def parts_of_value(value: Any) -> range:
    return range(0, len(json.dumps(value)), parts.MOST)


def test_the_same_value_is_written_again_without_a_further_part(simulation: Simulation) -> None:
    kept = simulation.world().record
    kept.put(NODES, rows(20_000))
    before = names(simulation)

    kept.put(NODES, rows(20_000))

    assert names(simulation) == before
    assert kept.get(NODES) == rows(20_000)


def test_a_reader_finds_the_new_value_when_the_parts_of_before_are_gone(simulation: Simulation) -> None:
    kept = Record(simulation.client())
    kept.put(NODES, rows(20_000))

    class Behind:
        """A view that has not heard of the latest write yet."""

        def __init__(self) -> None:
            self.index = simulation.client().get(record.PATH)

        def get(self, path: str) -> dict[str, Any] | None:
            return self.index if path == record.PATH else simulation.client().get(path)

    reader = Record(simulation.client(), Behind())
    kept.put(NODES, rows(21_000))

    assert reader.get(NODES) == rows(21_000)


@pytest.mark.parametrize("damage", ["deleted", "changed"])
def test_a_part_that_is_lost_is_named(simulation: Simulation, damage: str) -> None:
    kept = Record(simulation.client())
    kept.put(NODES, rows(20_000))
    part = next(obj for obj in simulation.api.of(CONFIG_MAPS) if "-part-" in obj["metadata"]["name"])
    if damage == "deleted":
        simulation.api.remove(CONFIG_MAPS, part)
    else:
        part["data"]["text"] += "x"

    with pytest.raises(StoppedError, match=r"parts of `inventory` .* are lost: .*eks-cilium-migration-part-"):
        kept.get(NODES)


def test_parts_are_deleted_with_their_value_and_with_the_record(simulation: Simulation) -> None:
    kept = simulation.world().record
    kept.change({NODES: rows(20_000), PROGRESS: rows(21_000)})
    every = parts_of(simulation)

    kept.drop(NODES)
    left = parts_of(simulation)
    kept.delete()

    assert 0 < len(left) < len(every)
    assert parts_of(simulation) == []


def test_a_process_asks_for_each_part_once(simulation: Simulation) -> None:
    simulation.world().record.put(NODES, rows(20_000))
    simulation.restart()
    before = simulation.api.requests["GET configmaps"]

    for _ in range(5):
        simulation.world().record.get(NODES)

    assert simulation.api.requests["GET configmaps"] - before == len(parts_of(simulation))
