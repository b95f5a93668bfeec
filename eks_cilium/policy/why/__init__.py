"""Why a flow is allowed or denied: the rule that decides on each side, and what would have to change.

`eks-cilium verdict --why` shows it for a flow. The verdict itself is `eks_cilium.policy.verdict`'s; here its
rules are read once more, with the selectors that mean the two endpoints or miss them.
"""

from eks_cilium.policy.why.explaining import Explainer
from eks_cilium.policy.why.model import Change, Entry, Explanation, Selecting, Side
from eks_cilium.policy.why.rendering import document, lines

__all__ = ["Change", "Entry", "Explainer", "Explanation", "Selecting", "Side", "document", "lines"]
