"""A running cloud, and the aws provider connected to it."""

import pytest

from tests.lab.cloud.conftest import start_cloud
from tests.lab.providers.provider_process import ProviderProcess


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    cloud = start_cloud(tmp_path_factory.mktemp("cloud"))
    yield cloud
    cloud.stop()


@pytest.fixture(scope="session")
def aws_process(cloud):
    process = ProviderProcess("aws", cloud.environment())
    yield process
    process.stop()


@pytest.fixture(scope="session")
def aws(aws_process):
    return aws_process.connect().configure({"region": "eu-central-1", "version": "7.51.1"})
