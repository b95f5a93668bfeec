"""The program of the scenarios: registers what `program.json` describes, in that order."""

import json
from pathlib import Path

import pulumi
from kinds import KINDS, Program

description = json.loads((Path(__file__).parent / "program.json").read_text())
program = Program()
for entry in description["resources"]:
    program.registered[entry["name"]] = KINDS[entry.get("kind", "item")](program, entry)
for name, value in description.get("exports", {}).items():
    pulumi.export(name, program.value(value))
if description.get("raise"):
    raise {"refusal": pulumi.RunError, "crash": ValueError}[description["raise"]]("raised by the program")
