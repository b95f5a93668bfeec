"""The properties that a step changes. A secret is always shown as `[secret]`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab.engine.display.operations import WORDS
from lab.engine.events import Op, Step
from lab.engine.state import urns, values

if TYPE_CHECKING:
    from lab.engine.state.resources import Resource

_INTERNAL = {"__provider", "__internal", "@isPulumiResource"}
_DELETES = {Op.DELETE, Op.DELETE_REPLACED}


def changed_keys(step: Step) -> list[str]:
    """The properties that change, with a sign: `+tags`, `~version`."""
    if step.old is None or step.new is None or step.shown in (Op.SAME, Op.READ):
        return []
    old, new = step.old.inputs, step.new.inputs
    if step.op is Op.REFRESH:
        old, new = step.old.outputs, step.new.outputs
    signed = []
    for key in sorted({*old, *new}):
        sign = "-" if key not in new else "+" if key not in old else "~"
        if sign != "~" or not values.equal(old[key], new[key]):
            signed.append(sign + key)
    return signed


def step_lines(step: Step) -> list[str]:
    words = WORDS[step.shown]
    sign = words.sign.strip() or " "
    resource = step.resource
    lines = [f"{sign:2} {resource.type}: ({words.plan or 'same'})"]
    if resource.id and not values.is_unknown(resource.id):
        lines.append(f"       [id={resource.id}]")
    lines.append(f"       [urn={step.urn}]")
    if resource.provider:
        lines.append(f"       [provider={urns.name_of(urns.parse_reference(resource.provider).urn)}]")
    return lines + [f"     {line}" for line in _properties(step)]


def _properties(step: Step) -> list[str]:
    if step.shown in _DELETES or step.new is None:
        return _block(_shown(step.resource, outputs=False), " ")
    if step.old is None:
        return _block(_shown(step.new, outputs=step.op is Op.READ), " ")
    outputs = step.op is Op.REFRESH
    return compare(_shown(step.old, outputs=outputs), _shown(step.new, outputs=outputs), _replacing(step))


def _shown(resource: Resource, *, outputs: bool) -> dict[str, Any]:
    properties = resource.outputs if outputs else resource.inputs
    return {key: value for key, value in sorted(properties.items()) if key not in _INTERNAL}


def _replacing(step: Step) -> frozenset[str]:
    if step.diff is None:
        return frozenset()
    detailed = {path for path, kind in step.diff.detailed.items() if kind.endswith("-replace")}
    return frozenset({*step.diff.replaces, *detailed})


def compare(old: dict[str, Any], new: dict[str, Any], replacing: frozenset[str] = frozenset()) -> list[str]:
    """The lines of all properties that differ; secrets are compared but never shown."""
    lines: list[str] = []
    for key in sorted({*old, *new}):
        if key in _INTERNAL:
            continue
        note = " (forces replacement)" if key in replacing else ""
        if key not in new:
            lines += _labelled("- ", key, old[key])
        elif key not in old:
            lines += _labelled("+ ", key, new[key])
        elif not values.equal(old[key], new[key]):
            lines += _changed(key, old[key], new[key], note)
    return lines


def _changed(key: str, old: Any, new: Any, note: str) -> list[str]:
    if _is_plain(old, dict) and _is_plain(new, dict):
        return [f"~ {key}: {{{note}", *(f"    {line}" for line in compare(old, new)), "  }"]
    if _is_plain(old, list) and _is_plain(new, list):
        before = {f"[{index}]": item for index, item in enumerate(old)}
        after = {f"[{index}]": item for index, item in enumerate(new)}
        return [f"~ {key}: [{note}", *(f"    {line}" for line in compare(before, after)), "  ]"]
    return [f"~ {key}: {_text(old)} => {_text(new)}{note}"]


def _is_plain(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not (isinstance(value, dict) and values.SIGNATURE in value)


def _block(properties: dict[str, Any], sign: str) -> list[str]:
    lines: list[str] = []
    for key, value in properties.items():
        lines += _labelled(f"{sign} ", key, value)
    return lines


def _labelled(sign: str, key: str, value: Any) -> list[str]:
    first, *rest = _text(value).splitlines() or [""]
    return [f"{sign}{key}: {first}", *(f"  {line}" for line in rest)]


def _text(value: Any) -> str:
    shown = values.masked(value)
    if isinstance(shown, str) and shown in {"[secret]", "[unknown]"}:
        return str(shown)
    text = json.dumps(shown, indent=2, ensure_ascii=False, default=str)
    return text.replace('"[secret]"', "[secret]").replace('"[unknown]"', "[unknown]")


def output_lines(
    old: dict[str, Any], new: dict[str, Any], *, planned: bool, show_secrets: bool = False
) -> list[str]:
    """The stack's outputs: in a plan the differences, after a run all of them."""
    if planned:
        return compare(old, new)
    shown = {key: value for key, value in sorted(new.items()) if key not in _INTERNAL}
    if show_secrets:
        shown = {key: values.revealed(value) for key, value in shown.items()}
    return _block(shown, " ")
