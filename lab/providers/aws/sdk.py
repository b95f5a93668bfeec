"""The property names of the installed `pulumi_aws` SDK, read from its source: importing it takes seconds.

Used only in refusals, to distinguish a misspelt property from one that the lab does not offer.
"""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path


@cache
def _root() -> Path | None:
    spec = importlib.util.find_spec("pulumi_aws")
    return Path(spec.origin).parent if spec and spec.origin else None


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _source(token: str) -> Path | None:
    """`aws:ec2/vpc:Vpc` -> `pulumi_aws/ec2/vpc.py`; functions of the `index` module are at the top level."""
    parts = token.split(":")
    root = _root()
    if root is None or len(parts) != 3 or "/" not in parts[1]:
        return None
    module, member = parts[1].split("/")
    folder = root if module == "index" else root / module
    path = folder / f"{_snake(member)}.py"
    return path if path.exists() else None


def knows(token: str) -> bool:
    """Whether the real provider has that resource type or function."""
    return _source(token) is not None


@cache
def inputs(token: str) -> frozenset[str]:
    """The input properties of a resource type, in Pulumi's spelling."""
    return _arguments(token, "{}(?:Init)?Args")


@cache
def properties(token: str) -> frozenset[str]:
    """All properties of a resource type, in Pulumi's spelling."""
    return _arguments(token, "_{}State")


def _arguments(token: str, pattern: str) -> frozenset[str]:
    path = _source(token)
    if path is None:
        return frozenset()
    wanted = pattern.format(token.split(":")[2])
    # Only the signature is parsed: parsing a whole module of the SDK takes a second.
    text = path.read_text(encoding="utf-8")
    signature = re.search(rf"^class {wanted}:\n    (def __init__\(.*?\)):$", text, re.DOTALL | re.MULTILINE)
    return frozenset(_camel(name) for name in _keywords(signature[1])) if signature else frozenset()


def _keywords(signature: str) -> list[str]:
    function = ast.parse(f"{signature}: pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    return [argument.arg for argument in function.args.kwonlyargs]
