# ruff: noqa: E501 - expressions are listed close together
"""Which regular expressions Go compiles, in examples whose answers Go gave."""

import pytest

from eks_cilium.policy.objects.sanity.regular_expressions import why_no_expression

pytestmark = pytest.mark.unit

COMPILED = (
    *(
        "",
        "/api/v1/.*",
        "GET|POST",
        "^$",
        "(a|b)*?c+",
        "a{2,}",
        "a{",
        "a{,3}",
        "{2}"[:1],
        "a{01}",
        "()",
        "(?i)",
    ),
    *(
        "(?P<name>a)",
        "(?<name>a)",
        "(?i:a)b",
        "(?s-m:a)",
        "a(?i)*",
        "a*(?i)*",
        "[]a]",
        "[^]]",
        "[a-]",
        "[-a]",
    ),
    *(
        "[[:alpha:]_]",
        "[[:^digit:]]",
        "\\pL\\p{Greek}",
        "[\\d\\-]",
        "\\Q(*\\E",
        "\\x41\\x{1F600}",
        "\\07\\12",
    ),
    *(
        "\\.\\/\\_",
        "\\bword\\b",
        "\\Astart",
        "end\\z",
        "(a{10}){100}",
        "\u00e9+",
        "a||b",
        "^*",
        "(|a)",
        "(?P<a>b)(?P<a>c)",
    ),
)
REFUSED = (
    *("(", ")", "a)", "(a", "[", "[a", "[]", "[b-a]", "*", "+a", "?", "(*)", "a|*", "a**", "a+*", "a?{2}"),
    *("a{1001}", "a{3,2}", "(a{100}){11}", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "(?#c)", "(?x)a", "(?-)"),
    *("(?P<>a)", "(?P=a)", "(a)\\1", "\\8", "\\k", "\\Z", "\\C", "\\", "\\x{110000}", "\\x4"),
    *("\\p{Klingon}", "[[:nope:]]", "[a-\\d]", "\\u0041", "\\G"),
)  # fmt: skip


@pytest.mark.parametrize("text", COMPILED)
def test_what_go_compiles(text: str) -> None:
    assert not why_no_expression(text)


@pytest.mark.parametrize("text", REFUSED)
def test_what_go_does_not_compile(text: str) -> None:
    assert why_no_expression(text)
