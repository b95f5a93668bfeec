"""What Cilium's agents refuse although the API server accepts it: rules, ports, labels, expressions.

`rejections` finds it in a rule. `checking` calls it for previews, `eks_cilium.policy.verdict.reading` for
what is enforced.
"""

from eks_cilium.policy.objects.sanity.rules import rejections, selector_rejections

__all__ = ["rejections", "selector_rejections"]
