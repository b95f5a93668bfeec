import signal
import stat
import subprocess
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from lab.cloud import moto_contract
from tests.lab.cloud.conftest import eventually, start_cloud


def test_the_files_with_credentials_are_readable_by_their_owner_only(cloud):
    facts = cloud.facts
    assert set(facts) == {"url", "pid", "account", "accessKeyId", "secretAccessKey", "region"}
    assert facts["url"].startswith("http://127.0.0.1:")
    assert facts["pid"] == cloud.process.pid
    assert stat.S_IMODE((cloud.directory / "cloud.json").stat().st_mode) == 0o600


def test_both_users_are_authenticated(cloud):
    arns = [cloud.client("sts", who).get_caller_identity()["Arn"] for who in ("cloud.json", "stranger.json")]
    assert [arn.rpartition(":")[2] for arn in arns] == ["user/engineer", "user/stranger"]


def test_policies_of_aws_can_be_attached(cloud):
    iam = cloud.client("iam")
    iam.create_role(RoleName="nodes", AssumeRolePolicyDocument="{}")
    for name in ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryReadOnly"):
        iam.attach_role_policy(RoleName="nodes", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    assert len(iam.list_attached_role_policies(RoleName="nodes")["AttachedPolicies"]) == 2


def test_an_identity_provider_for_pods_is_accepted(cloud):
    iam = cloud.client("iam")
    arn = iam.create_open_id_connect_provider(
        Url="https://oidc.eks.eu-central-1.amazonaws.com/id/ABC", ClientIDList=["sts.amazonaws.com"]
    )["OpenIDConnectProviderArn"]
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]


def test_an_assumed_role_can_call(cloud):
    iam, sts = cloud.client("iam"), cloud.client("sts")
    arn = iam.create_role(RoleName="ops", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="ana")["Credentials"]
    environment = cloud.environment() | {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
    command = ["aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith(":assumed-role/ops/ana")


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [
        ("eks", "list_insights", {"clusterName": "demo"}),
        ("pricing", "describe_services", {}),
        ("autoscaling", "describe_warm_pool", {"AutoScalingGroupName": "x"}),
        ("ec2", "describe_fast_launch_images", {}),
        ("route53", "get_checker_ip_ranges", {}),
    ],
)
def test_an_unknown_operation_is_a_fault_and_an_error_that_names_it(cloud, service, call, arguments):
    client = cloud.client(service)
    name = client.meta.method_to_api_mapping[call]
    with pytest.raises(ClientError) as caught:
        getattr(client, call)(**arguments)
    assert caught.value.response["Error"]["Code"] in {"NotImplemented", "LabFault"}
    assert f":{name}" in str(caught.value)
    assert any(fault["where"].endswith(f":{name}") for fault in cloud.lines("faults.jsonl"))


def test_every_call_is_in_the_log_with_its_caller(cloud):
    cloud.client("ec2", "stranger.json").describe_regions(RegionNames=["eu-central-1"])
    line = next(line for line in reversed(cloud.lines("calls.jsonl")) if line["action"] == "DescribeRegions")
    assert line["principal"].endswith(":user/stranger")
    assert line["parameters"] == {"RegionName.1": "eu-central-1"}
    assert line["status"] == 200


def test_nothing_else_is_served_under_lab(cloud):
    request = urllib.request.Request(f"{cloud.facts['url']}/lab/nothing", data=b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5)
    assert caught.value.code == 400
    assert b"/lab/nothing" in caught.value.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_cloud_leaves_no_process_and_no_key(tmp_path, number):
    cloud = start_cloud(tmp_path)
    cloud.process.send_signal(number)
    assert cloud.process.wait(timeout=20) == 0
    assert not (tmp_path / "cloud.json").exists()
    assert not (tmp_path / "stranger.json").exists()


def test_port_and_region_can_be_chosen(tmp_path):
    cloud = start_cloud(tmp_path, "--region", "us-west-2")
    port = cloud.facts["url"].rpartition(":")[2]
    cloud.stop()
    again = start_cloud(tmp_path, "--region", "us-west-2", "--port", port)
    assert again.facts["url"].endswith(f":{port}")
    assert again.facts["region"] == "us-west-2"
    again.stop()


def test_the_log_of_the_cloud_holds_no_secret(cloud):
    eventually(lambda: cloud.lines("calls.jsonl"))
    secret = cloud.facts["secretAccessKey"]
    for name in ("log", "calls.jsonl", "faults.jsonl"):
        assert secret not in (cloud.directory / name).read_text()


@pytest.mark.unit
def test_another_moto_is_refused_by_name():
    with pytest.raises(moto_contract.MotoContractError, match="moto 9"):
        moto_contract.check(pinned="9.9.9")
    with pytest.raises(moto_contract.MotoContractError, match=r"moto.core.nothing"):
        moto_contract.check({"moto.core": ("nothing",)})
    moto_contract.check()
