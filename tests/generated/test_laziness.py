"""Objects keep the JSON of a response and decode a field on first access; this is not visible otherwise."""

from __future__ import annotations

import copy
import pickle
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_api import models, types

if TYPE_CHECKING:
    from collections.abc import Callable

WHEN = "2024-05-06T07:08:09Z"
DATA: dict[str, Any] = {
    "id": "p1",
    "status": "starting",
    "new": {"x": [1]},
    "created_at": WHEN,
    "urls": {"get": "g"},
    "error": None,
    "_unread": 1,
    "wait": 2,
}


class Counted(models.Prediction):
    """A prediction that records which fields are decoded."""

    def _decoded(self, name: str, decoder: Callable[[Any], Any], value: Any) -> Any:
        vars(self).setdefault("decoded_fields", []).append(name)
        return super()._decoded(name, decoder, value)


def counted(made: Any) -> list[str]:
    found: list[str] = vars(made).get("decoded_fields", [])
    return found


def test_a_field_is_decoded_once_on_first_access() -> None:
    """Reading `id` decodes no time; a time is decoded on first access, and is the same object afterwards."""
    made = Counted.from_dict(DATA)
    assert (made.id, made.status, made.logs, counted(made)) == ("p1", "starting", None, [])
    assert made.created_at is made.created_at
    assert counted(made) == ["created_at"]
    assert made.to_dict() == DATA
    assert made.urls is made.urls
    assert counted(made) == ["created_at", "urls"]


LOOKS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda _: None,
    "a field": lambda made: (made.id, made.urls),
    "an absent field": lambda made: made.logs,
    "an unknown field": lambda made: made.new,
    "all fields": lambda made: made.to_dict(),
    "its names": lambda made: made.keys(),
    "its attributes": dir,
    "its text": repr,
    "a missing attribute": lambda made: hasattr(made, "nothing"),
    "a pickle": pickle.dumps,
}
DEEDS: dict[str, Callable[[Any], Any]] = {
    "to_dict": lambda made: made.to_dict(),
    "repr": repr,
    "dict": dict,
    "items": lambda made: [*made.items()],
    "set_fields": lambda made: made.set_fields,
    "additional_properties": lambda made: made.additional_properties,
    "attributes": lambda made: [name for name in dir(made) if not name.startswith("_")],
    "equality": lambda made: (made == models.Prediction.from_dict(DATA), made == models.Prediction.from_dict({})),
    "copy": lambda made: copy.copy(made).to_dict(),
    "deepcopy": lambda made: copy.deepcopy(made).to_dict(),
    "pickle": lambda made: pickle.loads(pickle.dumps(made)).to_dict(),
    "get": lambda made: (made.get("id"), made.get("nothing", 3)),
    "in": lambda made: ("id" in made, "new" in made, "logs" in made),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_earlier_reads_make_no_difference(look: Callable[[Any], Any], deed: Callable[[Any], Any]) -> None:
    """The result is the same, whatever was read from the object before."""
    read, unread = models.Prediction.from_dict(DATA), models.Prediction.from_dict(DATA)
    types.whole(unread)
    look(read)
    assert deed(read) == deed(unread)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_fields_are_set_and_deleted(look: Callable[[Any], Any]) -> None:
    """A value that is set replaces the one sent, in its place; a deleted field is absent, and is not read again."""
    made: Any = models.Prediction.from_dict(DATA)
    look(made)
    made.status, made.logs, made.created_at = "x", "done", "noon"
    look(made)
    del made.id, made.urls
    look(made)
    assert (made.status, made.logs, made.created_at, made.id, made.urls) == ("x", "done", "noon", None, None)
    rest = {name: value for name, value in DATA.items() if name not in ("id", "urls")}
    assert made.to_dict() == {**rest, "status": "x", "created_at": "noon", "logs": "done"}
    assert [*made.set_fields] == ["status", "created_at", "error", "logs"]
    with pytest.raises(AttributeError):
        del made.id
    with pytest.raises(AttributeError):
        del made.metrics


def test_an_object_owns_its_data() -> None:
    """Changes to the dictionary that an object was made from do not change the object."""
    data = {**DATA}
    made = models.Prediction.from_dict(data)
    data["status"] = "x"
    data.pop("id")
    assert (made.status, made.id) == ("starting", "p1")


def test_unusual_names_hide_nothing() -> None:
    """Unknown fields with the names of methods or internals are kept, and change nothing."""
    names = ("_unread", "_decoded", "additional_properties", "to_dict", "__class__", "__dict__", "set_fields")
    made = models.Prediction.from_dict({**dict.fromkeys(names, "odd"), "id": "p1"})
    assert (made.id, made.additional_properties) == ("p1", dict.fromkeys(names, "odd"))
    assert made.to_dict() == {**dict.fromkeys(names, "odd"), "id": "p1"}
    assert pickle.loads(pickle.dumps(made)) == made


def test_the_class_has_no_field_attributes() -> None:
    """The class has no attributes for fields, and reading one is an AttributeError."""
    models.Prediction.from_dict({})
    assert not hasattr(models.Prediction, "id")
    with pytest.raises(AttributeError, match="'Prediction' has no attribute 'id'"):
        _ = models.Prediction.id


def test_subclasses_read_in_their_own_way() -> None:
    """A subclass can decode a field differently, or replace it by a property; the base class is not affected."""

    class Other(models.Prediction):
        @staticmethod
        def decoders() -> dict[str, Callable[[Any], Any]]:
            return {"status": str.upper}

        @property
        def id(self) -> str:  # type: ignore[override]
            return f"#{types.stored(self, 'id')}"

    other, base = Other.from_dict(DATA), models.Prediction.from_dict(DATA)
    assert (other.status, other.id, other.created_at) == ("STARTING", "#p1", WHEN)
    assert (base.status, base.id, base.created_at[:4]) == ("starting", "p1", "2024")
    assert type(base.created_at) is types.Timestamp
    assert type(Other.from_dict(DATA).created_at) is str


def test_threads_that_read_at_once() -> None:
    """Threads that read the same objects at once, in different ways, all read the same values."""
    made = [models.Prediction.from_dict(DATA) for _ in range(300)]
    ways: list[Callable[[Any], Any]] = [
        lambda each: (each.id, each.urls, each.logs),
        lambda each: each.to_dict() and (each.id, each.urls, each.logs),
        lambda each: (each.set_fields["id"], each.urls, each.logs),
        lambda each: each.new and (each.id, each.urls, each.logs),
    ]
    start, found = Barrier(len(ways)), list[Any]()

    def work(way: Callable[[Any], Any]) -> None:
        start.wait()
        found.append([way(each) for each in made])

    threads = [Thread(target=work, args=(way,)) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[("p1", {"get": "g"}, None)] * len(made)] * len(ways)


@given(st.data())
def test_any_order_of_access(data: st.DataObject) -> None:
    """Fields that are read or set in any order give the same object as reading it all at once."""
    names = ["id", "status", "created_at", "urls", "error", "logs", "new"]
    lazy, eager = models.Prediction.from_dict(DATA), models.Prediction.from_dict(DATA)
    types.whole(eager)
    for name in data.draw(st.lists(st.sampled_from(names))):
        if name != "new" and data.draw(st.booleans()):
            setattr(lazy, name, "set")
            setattr(eager, name, "set")
        assert getattr(lazy, name) == getattr(eager, name)
    assert (lazy, lazy.to_dict(), repr(lazy)) == (eager, eager.to_dict(), repr(eager))
    assert [*lazy.to_dict()] == [*eager.to_dict()]
