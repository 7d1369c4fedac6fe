"""The sandbox: metadata in both modes, exact text, items, log, persistence, control over HTTP, stopping."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.sandbox import DEFAULT_KEY, Dialect, Fault, Sandbox, Store
from tests.sandbox_fixtures import KEY, Http


@pytest.fixture
def replacing() -> Iterator[Http]:
    with Sandbox(key=KEY, dialect=Dialect(replaces_metadata=True)) as running, Http(running) as http:
        yield http


def update(web: Http, id: str, metadata: object) -> dict[str, object]:
    return web.call("POST", f"/v1/conversations/{id}", {"metadata": metadata}).document


# Metadata


def test_merging_keeps_a_key_that_is_left_out_and_removes_one_that_is_null(web: Http) -> None:
    created = web.create(metadata={"kept": "1", "gone": "2"})
    updated = update(web, created["id"], {"gone": None, "new": "3"})
    assert updated["metadata"] == {"kept": "1", "new": "3"}


def test_merging_may_not_end_with_more_than_sixteen_pairs(web: Http, sandbox: Sandbox) -> None:
    created = web.create(metadata={f"k{number}": "" for number in range(16)})
    refused = web.call("POST", f"/v1/conversations/{created['id']}", {"metadata": {"one": "more"}})
    assert (refused.status, refused.error["code"]) == (400, "object_above_max_properties")
    assert sandbox.store.get_conversation(created["id"]) == created


def test_replacing_drops_a_key_that_is_left_out(replacing: Http) -> None:
    created = replacing.create(metadata={"gone": "1"})
    assert update(replacing, created["id"], {"new": "2"})["metadata"] == {"new": "2"}


def test_replacing_refuses_null(replacing: Http) -> None:
    created = replacing.create(metadata={"a": "1"})
    refused = replacing.call("POST", f"/v1/conversations/{created['id']}", {"metadata": {"a": None}})
    assert (refused.error["code"], refused.error["param"]) == ("invalid_type", "metadata.a")


def test_creating_without_a_body_gives_an_empty_conversation(web: Http) -> None:
    assert web.call("POST", "/v1/conversations").document["metadata"] == {}


@pytest.mark.parametrize("text", ["\0", "\ud800", "", " a\t\n ", "🙂" * 512, "\u202eאב"])
def test_text_is_kept_exactly(web: Http, text: str) -> None:
    created = web.create(metadata={text[:64]: text}, items=[{"role": "user", "content": text}])
    path = f"/v1/conversations/{created['id']}"
    assert web.call("GET", path).document["metadata"] == {text[:64]: text}
    assert web.call("GET", f"{path}/items").document["data"][0]["content"][0]["text"] == text


# Items


def test_a_plain_string_becomes_one_part_for_its_role(web: Http, sandbox: Sandbox) -> None:
    roles = ("user", "assistant")
    created = web.create(items=[{"role": role, "content": "hi"} for role in roles])
    user, assistant = sandbox.store.list_items(created["id"])
    assert user["content"] == [{"type": "input_text", "text": "hi"}]
    assert assistant["content"] == [{"type": "output_text", "annotations": [], "logprobs": [], "text": "hi"}]


def test_an_item_of_another_type_is_kept_as_given_with_an_id(web: Http, sandbox: Sandbox) -> None:
    given = {"type": "brand_new_call", "deep": {"a": [1, None, True]}}
    created = web.create(items=[given])
    (kept,) = sandbox.store.list_items(created["id"])
    assert {**given, "id": kept["id"]} == kept
    assert kept["id"].startswith("item_")


def test_items_of_a_deleted_conversation_are_out_of_reach_but_kept(web: Http, sandbox: Sandbox) -> None:
    created = web.create(items=[{"role": "user", "content": "still there"}])
    path = f"/v1/conversations/{created['id']}"
    web.call("DELETE", path)
    assert web.call("GET", f"{path}/items").status == 404
    assert len(sandbox.store.list_items(created["id"])) == 1
    assert sandbox.store.list_conversations(deleted=True) == [created]


# Store


def test_the_store_serves_tests_without_http(web: Http, sandbox: Sandbox) -> None:
    made = sandbox.store.create_conversation(
        id="other/shape", metadata={"a": "b"}, items=[{"role": "tool", "content": "x"}], created_at=12
    )
    assert web.call("GET", "/v1/conversations/other%2Fshape").document == made
    assert made == {
        "id": "other/shape",
        "object": "conversation",
        "created_at": 12,
        "metadata": {"a": "b"},
    }


def test_an_update_of_the_store_for_an_unknown_id_is_a_key_error(sandbox: Sandbox) -> None:
    with pytest.raises(KeyError):
        sandbox.store.set_metadata("conv_none", {})


def test_a_transaction_is_undone_by_an_exception(sandbox: Sandbox) -> None:
    def make_and_fail() -> None:
        with sandbox.store.transaction():
            sandbox.store.create_conversation()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_and_fail()
    assert sandbox.store.list_conversations() == []


def test_a_file_outlives_the_sandbox(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with Sandbox(path=path) as first:
        made = first.store.create_conversation(metadata={"a": "\0"}, items=[{"role": "user", "content": "hi"}])
        items = first.store.list_items(made["id"])
    with Sandbox(path=path) as second:
        assert second.store.get_conversation(made["id"]) == made
        assert second.store.list_items(made["id"]) == items


def test_several_stores_may_write_one_file(tmp_path: Path) -> None:
    def write() -> None:
        store = Store(tmp_path / "shared.sqlite3")
        for _ in range(20):
            store.create_conversation(items=[{"role": "user", "content": "hi"}])
        store.close()

    threads = [threading.Thread(target=write) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = Store(tmp_path / "shared.sqlite3")
    assert len(store.list_conversations()) == 100
    store.close()


def test_simultaneous_merges_lose_nothing(sandbox: Sandbox) -> None:
    id = sandbox.store.create_conversation()["id"]

    def merge(key: str) -> None:
        with Http(sandbox) as http:
            update(http, id, {key: "x"})

    threads = [threading.Thread(target=merge, args=(f"k{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = sandbox.store.get_conversation(id)
    assert kept is not None
    assert len(kept["metadata"]) == 12


# Log


def test_the_log_says_what_was_done(web: Http, sandbox: Sandbox) -> None:
    answer = web.call("POST", "/v1/conversations", {"metadata": {"a": "b"}}, headers={"X-Client-Request-Id": "me-1"})
    (entry,) = sandbox.log
    assert (entry.method, entry.path, entry.status) == ("POST", "/conversations", 200)
    assert entry.request_id == answer.headers["x-request-id"]
    assert (entry.client_request_id, entry.changed) == ("me-1", True)
    assert entry.body == {"metadata": {"a": "b"}}


def test_the_log_tells_reading_and_refusing_from_changing(web: Http, sandbox: Sandbox) -> None:
    web.call("GET", "/v1/conversations/a%2Fb/items?limit=2")
    web.call("POST", "/v1/conversations", b"{")
    assert [(entry.status, entry.changed, entry.body) for entry in sandbox.log] == [
        (404, False, None),
        (400, False, None),
    ]
    assert sandbox.log[0].path == "/conversations/a%2Fb/items"
    assert sandbox.log[0].query == {"limit": ["2"]}


def test_the_log_holds_custom_headers_and_never_the_key(web: Http, sandbox: Sandbox) -> None:
    web.call("GET", "/v1/conversations/x", headers={"OpenAI-Project": "proj_1"})
    assert sandbox.log[0].headers["openai-project"] == "proj_1"
    assert KEY not in str(list(sandbox.log))


def test_the_log_can_be_cleared(web: Http, sandbox: Sandbox) -> None:
    web.create()
    sandbox.log.clear()
    assert len(sandbox.log) == 0


# Control over HTTP


def test_faults_can_be_set_and_cleared_over_http(web: Http) -> None:
    assert web.call("POST", "/_sandbox/faults", {"status": 503, "times": None}).document == {"added": 1}
    assert web.call("POST", "/v1/conversations").status == 503
    web.call("DELETE", "/_sandbox/faults")
    assert web.call("POST", "/v1/conversations").status == 200


@pytest.mark.parametrize("fault", [{"stauts": 500}, {"status": "500"}, {"path": "("}, {"drop": []}, 3])
def test_a_fault_that_makes_no_sense_is_refused(web: Http, fault: object) -> None:
    answer = web.call("POST", "/_sandbox/faults", fault)
    assert (answer.status, answer.error["code"]) == (400, "invalid_fault")


def test_the_log_can_be_read_and_cleared_over_http(web: Http) -> None:
    created = web.create()
    web.call("GET", f"/v1/conversations/{created['id']}")
    entries = web.call("GET", "/_sandbox/log").document["data"]
    assert [entry["method"] for entry in entries] == ["POST", "GET"]
    web.call("DELETE", "/_sandbox/log")
    assert web.call("GET", "/_sandbox/log").document["data"] == []


@pytest.mark.parametrize(("path", "status"), [("health", 200), ("log", 401), ("faults", 401)])
def test_only_health_needs_no_key(web: Http, path: str, status: int) -> None:
    web.key = "wrong"
    assert web.call("GET", f"/_sandbox/{path}").status == status


# Start and stop


def test_the_default_key_is_exported() -> None:
    assert Sandbox().key == DEFAULT_KEY == "sk-sandbox"


def test_a_stopped_sandbox_refuses_connections_and_may_restart_with_its_store(sandbox: Sandbox) -> None:
    made = sandbox.store.create_conversation()
    url = sandbox.url
    sandbox.stop(keep_store=True)
    with Http(sandbox) as http, pytest.raises(ConnectionRefusedError):
        http.call("GET", "/v1/conversations/x")
    assert sandbox.store.get_conversation(made["id"]) == made
    sandbox.start()
    with Http(sandbox) as http:
        assert http.call("GET", f"/v1/conversations/{made['id']}").document == made
    assert sandbox.url == url


def test_a_port_that_is_taken_is_an_os_error(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=sandbox.port).start()


def test_the_store_is_closed_with_the_sandbox() -> None:
    sandbox = Sandbox()
    sandbox.start()
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(RuntimeError, match="not started"):
        _ = sandbox.store


def test_a_fault_needs_a_drop_that_exists() -> None:
    with pytest.raises(ValueError, match="before, after, middle"):
        Fault(drop="sometimes")
