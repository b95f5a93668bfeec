"""Parses the text of a YAML file into policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from eks_cilium.cilium.crds import API_VERSION, CLUSTERWIDE, NAMESPACED
from eks_cilium.errors import UserError
from eks_cilium.policy.objects.model import Policy
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = (NAMESPACED, CLUSTERWIDE)


class UnreadablePolicyError(UserError):
    """A file cannot be read or holds something else than Cilium's policies; says where and what."""

    topic: Topic | None = Topic.CONFIGURATION


class _Loader(yaml.SafeLoader):
    # YAML forbids a key that is written twice; PyYAML would keep the second one without an error. Nodes are
    # checked before merge keys (`<<`) bring in others, which the keys beside them may override.

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if key.tag == _MERGE:
                continue
            if not isinstance(key, yaml.ScalarNode) or key.tag != _TEXT:
                words = f"key {getattr(key, 'value', '?')!r} is no text: write it in quotes"
                raise yaml.constructor.ConstructorError(None, None, words, key.start_mark)
            if (key.tag, key.value) in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} twice", key.start_mark
                )
            seen.add((key.tag, key.value))
        return node


_TEXT, _MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


def parse_policies(text: str, *, cluster: str, origin: str) -> list[Policy]:
    """Parse the policies in the text of a YAML file.

    The file may hold several documents, and lists (`kind: List`) of policies.

    Args:
        text: The content of the file.
        cluster: Name, in Cilium, of the cluster the policies are for.
        origin: The path of the file, for messages.

    Returns:
        The policies in the order in which they are written, at least one.

    Raises:
        UnreadablePolicyError: The text is no YAML, holds no policy, or holds an object of another kind.
    """
    try:
        documents = [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.YAMLError as error:
        raise UnreadablePolicyError(f"{origin} is no YAML: {_place(error)}") from error
    found = [
        Policy(cluster, manifest, origin) for document in documents for manifest in _objects(document, origin)
    ]
    if not found:
        raise UnreadablePolicyError(f"{origin} holds no policy")
    return found


def _objects(document: Any, origin: str) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        raise UnreadablePolicyError(f"{origin} holds {document!r}, which is no object")
    if document.get("kind") == "List":
        items = document.get("items") or ()
        if not isinstance(items, list | tuple):
            raise UnreadablePolicyError(f"{origin} holds a List whose items are {items!r}: write a list")
        for item in items:
            yield from _objects(item, origin)
        return
    kind, version = document.get("kind"), document.get("apiVersion")
    if kind not in _KINDS or version != API_VERSION:
        raise UnreadablePolicyError(
            f"{origin} holds an object of kind {kind} in {version}; allowed are {' and '.join(_KINDS)} "
            f"in {API_VERSION}"
        )
    yield document


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)
