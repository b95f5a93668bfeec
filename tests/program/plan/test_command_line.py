"""The command line: what it prints, and how it ends."""

import json

import pytest

from eks_cilium.cli.plan import main
from eks_cilium.clients.kubeconfig import KubeconfigError
from eks_cilium.errors import TransientError
from tests.program.plan.builders import World

pytestmark = pytest.mark.unit

CLUSTER = ("plan", "--cluster", "shop")


def clean(_):
    return World(2).facts()


def refused(_):
    world = World(2)
    world.pod("one")
    return world.facts()


def unreadable(_):
    raise TransientError("GET /api/v1/nodes failed 6 times, last with HTTP 503")


def test_it_ends_with_0_when_nothing_forbids_the_plan(capsys):
    assert main(CLUSTER, clean) == 0
    assert "Nothing forbids this plan." in capsys.readouterr().out


def test_it_ends_with_2_when_something_does(capsys):
    assert main(CLUSTER, refused) == 2
    assert "Pod shop/one" in capsys.readouterr().out


def test_it_ends_with_1_and_prints_no_plan_when_it_cannot_read(capsys):
    assert main(CLUSTER, unreadable) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "no plan: GET /api/v1/nodes failed 6 times, last with HTTP 503\n"


def test_an_exception_on_the_command_line_permits(capsys):
    assert main([*CLUSTER, "--allow", "barePods=shop/*"], refused) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--allow", "everything"], "--allow everything: allowed are"),
        (["--allow", "barePods"], "--allow barePods: allowed are"),
        (["--allow", "fargateNodes=x"], "--allow fargateNodes=x: allowed are"),
        (["--surge", "0"], "--surge is 0"),
        (["--parallel", "5"], "--parallel is 5: allowed are 1 to 4"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_read(arguments, says, capsys):
    def never(_):
        raise AssertionError("read")

    assert main([*CLUSTER, *arguments], never) == 1
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["plan"], [*CLUSTER, "--capacity", "none"], ["apply"]])
def test_a_wrong_command_line_does_not_look_like_a_refused_plan(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments, clean)

    assert ended.value.code == 1


def test_it_prints_json(capsys):
    main([*CLUSTER, "--format", "json", "--surge", "2"], clean)

    document = json.loads(capsys.readouterr().out)
    assert (document["cluster"], document["surge"], len(document["nodes"])) == ("shop", 2, 2)


def test_it_prints_markdown(capsys):
    main([*CLUSTER, "--format", "markdown"], clean)

    assert capsys.readouterr().out.startswith("# Replacement plan of cluster shop")


def test_a_kubeconfig_that_leads_nowhere_is_named(capsys, tmp_path):
    def reads(chosen):
        raise KubeconfigError(f"cannot read kubeconfig {chosen.kubeconfig}")

    assert main([*CLUSTER, "--kubeconfig", str(tmp_path / "none")], reads) == 1
    assert str(tmp_path / "none") in capsys.readouterr().err
