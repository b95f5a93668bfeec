"""`eks-cilium plan`: what it prints, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from eks_cilium.cli.plan import app
from eks_cilium.cli.sources import ClusterAccess
from eks_cilium.clients.aws_errors import translation
from eks_cilium.clients.kubeconfig import KubeconfigError
from eks_cilium.errors import RefusedError, TransientError
from eks_cilium.migration.facts.model import Facts
from eks_cilium.settings.model.migration import Allow, MigrationOptions
from tests.program.cli.command import Ended, eks_cilium, parameters
from tests.program.plan.builders import World
from tests.program.plan.test_addresses import cluster

pytestmark = pytest.mark.unit

ReadFacts = Callable[[ClusterAccess], Facts]


def clean(_: ClusterAccess) -> Facts:
    return World(2).facts()


def blocked(_: ClusterAccess) -> Facts:
    world = World(2)
    world.pod("one")
    return world.facts()


def plan(*arguments: str, facts: ReadFacts = clean) -> Ended:
    return eks_cilium("plan", "--cluster", "shop", *arguments, facts=facts)


def failing(error: Exception) -> ReadFacts:
    def facts(_: ClusterAccess) -> Facts:
        raise error

    return facts


def test_it_ends_with_0_when_nothing_forbids_the_plan() -> None:
    ended = plan()

    assert ended.status == 0
    assert "Nothing blocks this plan." in ended.out


def test_it_ends_with_2_when_something_does() -> None:
    ended = plan(facts=blocked)

    assert ended.status == 2
    assert "Pod shop/one" in ended.out


def test_it_can_plan_for_prefix_delegation() -> None:
    def sized_for_prefixes(_: ClusterAccess) -> Facts:
        return cluster(120)

    assert "27 addresses" in plan(facts=sized_for_prefixes).out
    assert plan("--prefix-delegation", facts=sized_for_prefixes).status == 0


def test_it_ends_with_1_and_prints_no_plan_when_it_cannot_read() -> None:
    ended = plan(facts=failing(TransientError("GET /api/v1/nodes failed 6 times, last with HTTP 503")))

    assert ended.status == 1
    assert ended.out == ""
    assert ended.err.startswith("no plan: GET /api/v1/nodes failed 6 times, last with HTTP 503\n  hint: ")


def test_an_exception_on_the_command_line_permits() -> None:
    assert plan("--allow", "barePods=shop/*", facts=blocked).status == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--allow", "everything"], "--allow everything: allowed are"),
        (["--allow", "barePods"], "--allow barePods: allowed are"),
        (["--allow", "fargateNodes=x"], "--allow fargateNodes=x: allowed are"),
        (["--only", "nodes=0"], "--only 0: allowed are either nodes=NUMBER"),
        (["--only", "nodes=two"], "--only nodes=two: allowed are either nodes=NUMBER"),
        (["--only", "nodes=1", "--only", "groups=a"], "allowed are either nodes=NUMBER, from 1, or groups"),
        (["--surge", "0"], "--surge is 0"),
        (["--parallel", "101%"], "--parallel is 101%: allowed are 1 to 100, or a percentage"),
        (["--allow", "barePods=shop"], "--allow barePods=shop: allowed are patterns namespace/name"),
        (["--allow", "lowerMinimum=a/b"], "--allow lowerMinimum=a/b: allowed are patterns of group names"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_read(arguments: list[str], says: str) -> None:
    ended = plan(*arguments, facts=failing(AssertionError("read")))

    assert ended.status == 1
    assert says in ended.err


@pytest.mark.parametrize(
    "arguments", [["plan"], ["plan", "--cluster", "shop", "--capacity", "none"], ["apply"]]
)
def test_a_wrong_command_line_does_not_look_like_a_blocked_plan(arguments: list[str]) -> None:
    assert eks_cilium(*arguments, facts=clean).status == 1


def test_every_wrong_option_is_named_at_once() -> None:
    ended = plan("--surge", "0", "--parallel", "0%")

    allowed = "allowed are 1 to 100, or a percentage of each group's nodes from 1% to 100%"
    assert ended.err == f"no plan: --surge is 0: {allowed}\n  --parallel is 0%: {allowed}\n"


@pytest.mark.parametrize("field", ["target", "capacity", "surge", "parallel"])
def test_an_option_is_the_key_of_the_configuration(field: str) -> None:
    parameter = next(each for each in parameters(app) if each.name == field)
    key = MigrationOptions.model_fields[field]

    assert parameter.default == getattr(MigrationOptions(), field)
    assert parameter.help is not None
    assert key.description is not None
    assert parameter.help.startswith(key.description)


def test_the_help_lists_every_exception_of_the_configuration() -> None:
    words = " ".join(eks_cilium("plan", "--help").out.split())

    for field in Allow.model_fields.values():
        assert field.alias is not None
        assert field.alias in words
        assert field.description is not None
        assert field.description in words


@pytest.mark.parametrize("field", Allow.switches())
def test_every_switch_of_the_configuration_can_be_allowed(field: str) -> None:
    asked: list[ClusterAccess] = []

    def facts(access: ClusterAccess) -> Facts:
        asked.append(access)
        return clean(access)

    key = Allow.model_fields[field].alias
    assert key is not None
    assert plan("--allow", key, facts=facts).status == 0
    assert asked


def test_it_prints_json() -> None:
    document = json.loads(plan("--format", "json", "--surge", "2").out)

    assert (document["cluster"], document["surge"], len(document["nodes"])) == ("shop", 2, 2)


def test_a_part_is_planned_and_the_rest_is_named() -> None:
    document = json.loads(plan("--format", "json", "--only", "nodes=1").out)

    assert (len(document["nodes"]), len(document["leftOut"])) == (1, 1)
    assert "1 of 2 nodes from the AWS VPC CNI to Cilium" in plan("--only", "nodes=1").out
    assert ", and stops there (migration.only)" in plan("--only", "nodes=1").out


def test_it_prints_markdown() -> None:
    assert plan("--format", "markdown").out.startswith("# Replacement plan of cluster shop")


def test_it_prints_the_pods_of_every_node_when_asked() -> None:
    line = "evict 1 pod of Pod shop/one"

    assert line not in plan("--allow", "barePods=shop/*", facts=blocked).out
    assert line in plan("--allow", "barePods=shop/*", "--pods", facts=blocked).out


def test_the_cluster_is_read_where_the_options_say(tmp_path: Path) -> None:
    asked: list[ClusterAccess] = []

    def facts(access: ClusterAccess) -> Facts:
        asked.append(access)
        return clean(access)

    file = tmp_path / "config"
    plan(
        *("--region", "eu-west-1", "--profile", "ops"),
        *("--kubeconfig", str(file), "--context", "shop"),
        facts=facts,
    )

    (access,) = asked
    assert (access.cluster, access.region, access.profile) == ("shop", "eu-west-1", "ops")
    assert (access.kubeconfig, access.context) == (file, "shop")


def test_a_kubeconfig_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    def facts(access: ClusterAccess) -> Facts:
        raise KubeconfigError(f"cannot read kubeconfig {access.kubeconfig}")

    ended = plan("--kubeconfig", str(tmp_path / "none"), facts=facts)

    assert ended.status == 1
    assert str(tmp_path / "none") in ended.err


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (EndpointConnectionError(endpoint_url="https://eks.eu-central-1.amazonaws.com"), "AWS_ENDPOINT_URL"),
        (NoCredentialsError(), "aws sso login"),
        (ClientError({"Error": {"Code": "ExpiredTokenException"}}, "DescribeCluster"), "aws sso login"),
        (ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DescribeCluster"), "list-clusters"),
    ],
)
def test_an_error_of_aws_comes_with_advice(error: Exception, hint: str) -> None:
    ended = plan(facts=failing(translation(error, "eks:DescribeCluster")))

    assert ended.status == 1
    assert ended.err.startswith("no plan: ")
    assert hint in ended.err


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (TransientError("GET /api failed 6 times"), "VPC or a VPN"),
        (RefusedError("GET /api was refused with HTTP 403", status=403), "list-access-entries"),
        (RefusedError("GET /api was refused with HTTP 401", status=401), "create-access-entry"),
    ],
)
def test_an_error_of_the_cluster_comes_with_a_hint(error: Exception, hint: str) -> None:
    ended = plan(facts=failing(error))

    assert ended.status == 1
    assert ended.err.startswith(f"no plan: {error}\n  hint: ")
    assert hint in ended.err


def test_an_error_nobody_expects_is_a_line_and_not_a_traceback() -> None:
    ended = plan(facts=failing(TypeError("'NoneType' object is not subscriptable")))

    assert ended.status == 1
    assert ended.err.startswith("no plan: unexpected TypeError: 'NoneType' object is not subscriptable\n")
    assert "EKS_CILIUM_TRACEBACK=1" in ended.err


def test_a_traceback_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EKS_CILIUM_TRACEBACK", "1")

    with pytest.raises(TypeError, match="a bug"):
        plan(facts=failing(TypeError("a bug")))
