"""The gRPC server, with the simplest possible package behind it."""

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, status_pb2

from lab.providers.errors import InitializationFailedError, NotOfferedError, RefusedError, UnavailableError
from lab.providers.resource import Checked, Difference, Failure, Resource, State, changes_between
from lab.providers.server import start
from tests.lab.providers.provider_process import Connection, StateEntry, refusal
from tests.lab.providers.recording_engine import listening

TOKEN = "notes:index:Note"


class Note(Resource):
    """A resource whose `does` input controls its behaviour."""

    token = TOKEN

    def __init__(self, owner):
        self.owner = owner

    def check(self, operation, inputs, olds, seed):
        failures = [] if "does" in inputs else [Failure("does", "required")]
        return Checked(inputs, failures)

    def diff(self, operation, identifier, old_inputs, olds, news):
        return Difference(changes_between(old_inputs, news, lambda name: name == "place"))

    def create(self, operation, inputs, *, preview):
        match inputs["does"]:
            case "refuse":
                raise RefusedError("NoSpace: the shelf is full")
            case "wait":
                raise UnavailableError("come back later")
            case "break":
                raise KeyError("shelf")
            case "fall ill":
                raise InitializationFailedError("n-1", {"does": "fall ill"}, ["it coughs", "it sneezes"])
        operation.progress("writing (1s)")
        operation.warn("ink is low")
        return State("n-1", {"owner": self.owner, **inputs})

    def read(self, operation, identifier, properties, inputs):
        return None if identifier == "deleted" else State(identifier, properties, inputs)

    def update(self, operation, identifier, old_inputs, olds, news, *, preview):
        return {**olds, **news, "preview": preview}

    def delete(self, operation, identifier, old_inputs, properties):
        pass


class Notebook:
    def __init__(self, owner):
        self.owner = owner

    def resource(self, token):
        if token != TOKEN:
            raise NotOfferedError(f"there is no resource type {token}")
        return Note(self.owner)

    def invoke(self, token, arguments):
        return {"owner": self.owner, **arguments}


class Notes:
    name = "notes"
    version = "1.2.3"

    def check_configuration(self, configuration):
        return [Failure(key, f"no option {key}") for key in configuration if key != "owner"]

    def diff_configuration(self, olds, news):
        return Difference(changes_between(olds, news, lambda name: name == "owner"))

    def configure(self, configuration):
        return Notebook(configuration["owner"])


@pytest.fixture(scope="module")
def port():
    server, port = start(Notes())
    yield port
    server.stop(grace=None)


def connect(port):
    # Without a pool for each channel, channels to one address share a connection.
    options = [("grpc.use_local_subchannel_pool", 1)]
    return Connection(grpc.insecure_channel(f"127.0.0.1:{port}", options=options))


@pytest.fixture
def notes(port):
    return connect(port).configure({"owner": "ann"})


def test_the_version_is_the_package_s(port):
    assert connect(port).version() == "1.2.3"


def test_each_connection_is_a_separate_instance(port, notes):
    other = connect(port).configure({"owner": "bob"})
    assert notes.invoke("notes:index:who", {}) == {"owner": "ann"}
    assert other.invoke("notes:index:who", {}) == {"owner": "bob"}


def test_a_call_before_configuration_is_refused(port):
    with pytest.raises(grpc.RpcError) as caught:
        connect(port).invoke("notes:index:who", {})
    assert refusal(caught.value) == (
        "calling notes:index:who: provider notes was called before it was configured"
    )


def test_unknown_options_of_the_provider_are_named(port):
    assert connect(port).check_config({"owner": "ann", "colour": "red"}) == ["no option colour"]


def test_failures_of_a_check_carry_their_property(notes):
    _, failures = notes.check(TOKEN, "a", {})
    assert failures == {"does": "required"}


@pytest.mark.parametrize(
    ("does", "line"),
    [
        ("refuse", "creating notes:index:Note 'a': NoSpace: the shelf is full"),
        ("wait", "creating notes:index:Note 'a': come back later"),
        ("break", "creating notes:index:Note 'a': a bug in the lab's notes provider: KeyError: 'shelf'"),
    ],
)
def test_an_error_is_one_line_that_names_the_operation(notes, does, line):
    with pytest.raises(grpc.RpcError) as caught:
        notes.create(TOKEN, "a", {"does": does})
    assert refusal(caught.value) == line


def test_an_unknown_type_is_named(notes):
    with pytest.raises(grpc.RpcError) as caught:
        notes.check("notes:index:Poem", "a", {})
    assert (
        refusal(caught.value) == "checking notes:index:Poem 'a': there is no resource type notes:index:Poem"
    )


def test_a_resource_that_did_not_become_ready_is_reported_with_its_id(notes):
    with pytest.raises(grpc.RpcError) as caught:
        notes.create(TOKEN, "a", {"does": "fall ill"})
    metadata = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert (detail.id, list(detail.reasons)) == ("n-1", ["it coughs", "it sneezes"])


def test_a_difference_distinguishes_replacements_from_updates(notes):
    created = StateEntry(TOKEN, "a", "n-1", {"does": "x", "place": "here", "tags": {"a/b": "1"}})
    response = notes.diff(created, {"does": "y", "place": "there", "tags": {"a/b": "2"}})
    assert set(response.diffs) == {"does", "place", "tags"}
    assert list(response.replaces) == ["place"]
    kinds = {path: change.kind for path, change in response.detailedDiff.items()}
    assert kinds == {
        "does": provider_pb2.PropertyDiff.UPDATE,
        "place": provider_pb2.PropertyDiff.UPDATE_REPLACE,
        'tags["a/b"]': provider_pb2.PropertyDiff.UPDATE,
    }


def test_ignored_changes_are_no_changes(notes):
    created = StateEntry(TOKEN, "a", "n-1", {"does": "x"})
    assert notes.diff(created, {"does": "y"}, ignore=["does"]).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_missing_resource_reads_as_an_empty_id(notes):
    assert notes.read(StateEntry(TOKEN, "a", "deleted", {})) is None


@pytest.mark.parametrize("introduced", ["by argument", "by handshake", "by attaching"])
def test_progress_reaches_the_engine_however_its_address_was_given(introduced):
    with listening() as (address, listener, _):
        server, port = start(Notes(), address if introduced == "by argument" else "")
        connection = connect(port)
        if introduced == "by handshake":
            connection.handshake(address)
        if introduced == "by attaching":
            connection.attach(address)
        connection.configure({"owner": "ann"}).create(TOKEN, "a", {"does": "work"})
        server.stop(grace=None)
    urn = f"urn:pulumi:dev::project::{TOKEN}::a"
    assert listener.lines == [(urn, "writing (1s)", True), (urn, "ink is low", False)]


def test_an_engine_that_has_ended_stops_no_operation(port):
    connection = connect(port)
    connection.attach("127.0.0.1:1")
    created = connection.configure({"owner": "ann"}).create(TOKEN, "a", {"does": "work"})
    assert created.id == "n-1"
