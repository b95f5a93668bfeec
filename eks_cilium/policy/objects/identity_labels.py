"""Which labels of pods Cilium makes part of their identity, by release and by its option `labels`.

Policies see no other labels. Asked for the identities of pods in a verdict, and by `checking` for selectors
that can match no pod.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from eks_cilium.cilium import versions
from eks_cilium.errors import UserError

Version = tuple[int, int, int]

# defaultLabelPrefixCfg in pkg/labelsfilter/filter.go of each release: the first one that has the pattern.
_ALWAYS: Version = (0, 0, 0)
_INCLUDED: tuple[tuple[Version, str], ...] = (
    (_ALWAYS, r"io\.kubernetes\.pod\.namespace"),
    (_ALWAYS, r"io\.cilium\.k8s\.namespace\.labels"),
    (_ALWAYS, r"app\.kubernetes\.io"),
    ((1, 16, 0), r"io\.cilium\.k8s\.policy\.cluster"),
    ((1, 18, 0), r"io\.cilium\.k8s\.policy\.serviceaccount"),
)
_IGNORED: tuple[tuple[Version, str], ...] = (
    (_ALWAYS, r"io\.kubernetes"),
    (_ALWAYS, r"kubernetes\.io"),
    ((1, 15, 0), r"statefulset\.kubernetes\.io/pod-name"),
    ((1, 15, 0), r"apps\.kubernetes\.io/pod-index"),
    ((1, 15, 0), r"batch\.kubernetes\.io/job-completion-index"),
    ((1, 15, 0), r"batch\.kubernetes\.io/controller-uid"),
    (_ALWAYS, r".*beta\.kubernetes\.io"),
    (_ALWAYS, r"k8s\.io"),
    (_ALWAYS, r"pod-template-generation"),
    (_ALWAYS, r"pod-template-hash"),
    (_ALWAYS, r"controller-revision-hash"),
    ((1, 15, 0), r"controller-uid"),
    (_ALWAYS, r"annotation.*"),
    (_ALWAYS, r"etcd_node"),
    ((1, 18, 11), r"topology\.kubernetes\.io"),
)
# What Go reads and Python does not, or not alike.
_OF_GO_ALONE = re.compile(r"\[\[:|\\[pPzQE]|\(\?[a-zA-Z]*U")


@dataclass(frozen=True)
class LabelFilter:
    """Decides which labels of a pod are part of its identity (`filterLabels` in pkg/labelsfilter)."""

    included: tuple[str, ...]
    """Regular expressions for the beginning of keys."""
    ignored: tuple[str, ...]
    only_included: bool = False
    """Whether a label has to be included to count, as from the first own pattern without `!` on."""

    def keeps(self, key: str) -> bool:
        """Whether a label of a pod is part of its identity.

        The longest match of a pattern that includes the key has to be longer than the shortest match of one
        that ignores it.
        """
        included = max(_matches(self.included, key), default=0)
        # As agents have it: a match of no characters counts as none.
        ignored = min(filter(None, _matches(self.ignored, key)), default=0)
        return included > ignored or (not self.only_included and not ignored)


def _matches(patterns: tuple[str, ...], key: str) -> list[int]:
    return [match.end() for pattern in patterns if (match := re.match(pattern, key))]


@cache
def label_filter(version: str, option: str = "") -> LabelFilter:
    """The filter of agents.

    Args:
        version: Their release, such as `1.19.7`.
        option: Value of `labels` in cilium-config: patterns with spaces between, such as `k8s:!job`.

    Returns:
        The patterns of the release and those of the option.

    Raises:
        UserError: The option has a pattern that cannot be read here.
    """
    release = _release(version)
    included = [pattern for first, pattern in _INCLUDED if release >= first]
    ignored = [pattern for first, pattern in _IGNORED if release >= first]
    only_included = False
    for text in option.split():
        source, colon, rest = text.partition(":")
        written = rest if colon else source
        ignores, pattern = written.startswith("!"), written.removeprefix("!")
        only_included = only_included or not ignores
        if colon and source not in ("", "k8s"):
            continue
        (ignored if ignores else included).append(_readable(pattern, option))
    return LabelFilter(tuple(included), tuple(ignored), only_included)


def _release(version: str) -> Version:
    numbers = re.findall(r"\d+", version)[:3]
    major, minor, patch = map(int, (*numbers, "0", "0", "0")[:3])
    return major, minor, patch


def _readable(pattern: str, option: str) -> str:
    try:
        if not _OF_GO_ALONE.search(pattern):
            re.compile(pattern)
            return pattern
    except re.error:
        pass
    raise UserError(
        f"cilium-config has labels {option!r}, whose pattern {pattern!r} cannot be read here: "
        "write it without what only Go's regular expressions have"
    )


@cache
def is_identity_label(key: str) -> bool:
    """Whether the default of the newest release makes a pod's label part of its identity."""
    return label_filter(versions.TRIED[-1]).keeps(key)
