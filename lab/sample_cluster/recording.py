"""The facts of the sample cluster, as they were read once: what the demo plans while the lab is still built.

`python -m lab.sample_cluster.recording` writes them anew, from the sample cluster of a running lab. They are
read by the same code as every cluster, and only kept here: as JSON, where a value of a class has its name.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from eks_cilium.cli.sources import ClusterAccess, read_facts
from eks_cilium.cluster import objects, selectors
from eks_cilium.migration import options
from eks_cilium.migration.facts import model
from eks_cilium.migration.facts.model import Facts
from eks_cilium.migration.facts.network import model as network
from lab.environment import Places, client_environment
from lab.sample_cluster.spec import ClusterSpec

FILE = Path(__file__).parent / "recorded.json"
_IS = "is"
_CLASSES = {
    name: value
    for module in (objects, selectors, options, model, network)
    for name, value in vars(module).items()
    if isinstance(value, type) and is_dataclass(value)
}


def recorded(file: Path = FILE) -> Facts:
    """Return the facts as they were read."""
    facts = _decoded(json.loads(file.read_text()))
    assert isinstance(facts, Facts), "the file holds the facts of a cluster"
    return facts


def record(facts: Facts, file: Path = FILE) -> None:
    """Keep the facts; what has its default is left out."""
    file.write_text(json.dumps(_encoded(facts), indent=1) + "\n")


def _encoded(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        given = {name: each for name, each in _fields(value) if each is not MISSING}
        return {_IS: type(value).__name__, **given}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {_IS: "", **{key: _encoded(each) for key, each in value.items()}}
        return {_IS: "pairs", "of": [[_encoded(key), _encoded(each)] for key, each in value.items()]}
    if isinstance(value, datetime):
        return {_IS: "datetime", "at": value.isoformat()}
    return [_encoded(each) for each in value] if isinstance(value, tuple) else value


def _fields(value: Any) -> list[tuple[str, Any]]:
    """The fields of a dataclass, encoded; MISSING for those that have their default."""
    present = [(each, getattr(value, each.name)) for each in fields(value)]
    return [(each.name, MISSING if held == _default(each) else _encoded(held)) for each, held in present]


def _default(each: Any) -> Any:
    return each.default_factory() if each.default_factory is not MISSING else each.default


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(each) for each in value)
    if not isinstance(value, dict):
        return value
    kind = value.pop(_IS)
    given = {name: _decoded(each) for name, each in value.items()}
    match kind:
        case "":
            return given
        case "pairs":
            return dict(given["of"])
        case "datetime":
            return datetime.fromisoformat(given["at"])
        case _:
            return _CLASSES[kind](**given)


def main() -> int:
    """Read the sample cluster of the running lab and keep its facts."""
    os.environ.update(client_environment(Places.default()))
    record(read_facts(ClusterAccess(ClusterSpec().name)))
    print(f"wrote {FILE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
