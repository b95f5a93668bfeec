"""A world provider for the whole session, and a fresh world, project and engine for each test."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.engine.engines import ROOT, Ours, Project


class WorldFiles:
    """The files of the world provider: its items and the calls it received."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port

    def clear(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)

    def calls(self) -> list[dict[str, Any]]:
        """All calls since the world was cleared."""
        path = self.directory / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def forget_calls(self) -> None:
        """Start counting calls from here."""
        (self.directory / "calls.jsonl").unlink(missing_ok=True)

    def changes(self) -> Counter[str]:
        """The calls that change the world, as `create a`, `delete a-1`."""
        return Counter(
            f"{call['method']} {call.get('id') or call['urn'].rpartition('::')[2]}"
            for call in self.calls()
            if call["method"] in ("create", "update", "delete") and not call.get("preview")
        )

    def items(self) -> dict[str, Any]:
        return {path.stem: json.loads(path.read_text()) for path in (self.directory / "items").glob("*.json")}

    def edit(self, identifier: str, inputs: dict[str, Any] | None) -> None:
        """Change an item without the engine's knowledge; None deletes it."""
        path = self.directory / "items" / f"{identifier}.json"
        if inputs is None:
            path.unlink()
        else:
            path.write_text(json.dumps(inputs))


@pytest.fixture(scope="session")
def world_process(tmp_path_factory) -> Iterator[WorldFiles]:
    directory = tmp_path_factory.mktemp("world")
    command = [sys.executable, "-m", "tests.lab.engine.world", str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield WorldFiles(directory, int(process.stdout.readline()))
        finally:
            process.kill()


@pytest.fixture
def world(world_process: WorldFiles) -> WorldFiles:
    world_process.clear()
    return world_process


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path / "program")


@pytest.fixture
def engine(project, world, tmp_path) -> Ours:
    engine = Ours(project, tmp_path / "state", world.port)
    assert engine.run("stack", "init", "dev").code == 0
    return engine
