"""Private zones of Route 53: their VPCs and their records."""

import pytest

from .calls import code_of, refusal_of

REGION = "us-east-1"


@pytest.fixture
def names(cloud):
    return cloud.client("route53")


@pytest.fixture
def vpcs(client):
    return [client.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in (0, 1)]


def make(names, vpc, reference="one", name="mesh.cilium.io"):
    answer = names.create_hosted_zone(
        Name=name,
        CallerReference=reference,
        VPC={"VPCRegion": REGION, "VPCId": vpc},
        HostedZoneConfig={"PrivateZone": True, "Comment": ""},
    )
    return answer["HostedZone"]["Id"].rpartition("/")[2]


def seen(vpc):
    return {"VPCRegion": REGION, "VPCId": vpc}


def record(value="1.2.3.4", **more):
    return {
        "Name": "a.mesh.cilium.io",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": value}],
        **more,
    }


def change(names, zone, action, wanted):
    names.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": wanted}]}
    )


def test_a_vpc_sees_one_zone_of_a_name(names, vpcs):
    zone = make(names, vpcs[0])
    refused = code_of(make, names=names, vpc=vpcs[0], reference="two")
    assert refused == "ConflictingDomainExists"
    names.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=seen(vpcs[1]))
    again = code_of(names.associate_vpc_with_hosted_zone, HostedZoneId=zone, VPC=seen(vpcs[1]))
    assert again == "ConflictingDomainExists"
    found = names.list_hosted_zones_by_vpc(VPCId=vpcs[1], VPCRegion=REGION)["HostedZoneSummaries"]
    assert [each["Name"] for each in found] == ["mesh.cilium.io."]


def test_a_zone_needs_an_existing_vpc_and_keeps_its_last_one(names, vpcs):
    assert code_of(make, names=names, vpc="vpc-1") == "InvalidVPCId"
    zone = make(names, vpcs[0])
    away = {"HostedZoneId": zone, "VPC": seen(vpcs[1])}
    assert code_of(names.disassociate_vpc_from_hosted_zone, **away) == "VPCAssociationNotFound"
    last = {"HostedZoneId": zone, "VPC": seen(vpcs[0])}
    assert code_of(names.disassociate_vpc_from_hosted_zone, **last) == "LastVPCAssociation"


def test_an_authorization_can_be_created_and_deleted(names, vpcs):
    zone = make(names, vpcs[0])
    wanted = {"HostedZoneId": zone, "VPC": seen(vpcs[1])}
    names.create_vpc_association_authorization(**wanted)
    assert names.list_vpc_association_authorizations(HostedZoneId=zone)["VPCs"] == [seen(vpcs[1])]
    names.delete_vpc_association_authorization(**wanted)
    refused = code_of(names.delete_vpc_association_authorization, **wanted)
    assert refused == "VPCAssociationAuthorizationNotFound"


def test_a_record_is_created_once_and_deleted_with_its_current_values(names, vpcs):
    zone = make(names, vpcs[0])
    change(names, zone, "CREATE", record())
    refused = refusal_of(change, names=names, zone=zone, action="CREATE", wanted=record("5.6.7.8"))
    assert refused["Code"] == "InvalidChangeBatch"
    assert "already exists" in refused["Message"]
    change(names, zone, "UPSERT", record("5.6.7.8"))
    stale = refusal_of(change, names=names, zone=zone, action="DELETE", wanted=record())
    assert "do not match the current values" in stale["Message"]
    assert code_of(names.delete_hosted_zone, Id=zone) == "HostedZoneNotEmpty"
    change(names, zone, "DELETE", record("5.6.7.8"))
    removed = refusal_of(change, names=names, zone=zone, action="DELETE", wanted=record("5.6.7.8"))
    assert "was not found" in removed["Message"]
    names.delete_hosted_zone(Id=zone)


def test_an_alias_is_deleted_with_the_values_it_was_created_with(names, vpcs):
    zone = make(names, vpcs[0])
    target = {"HostedZoneId": "Z1", "DNSName": "x.elb.amazonaws.com", "EvaluateTargetHealth": False}
    alias = {"Name": "a.mesh.cilium.io", "Type": "A", "AliasTarget": target}
    change(names, zone, "CREATE", alias)
    found = names.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [each["AliasTarget"]["DNSName"] for each in found if each["Type"] == "A"] == [
        "x.elb.amazonaws.com"
    ]
    change(names, zone, "DELETE", alias)
