"""The wire: what goes in comes out; whatever else comes in is the protocol's own error and nothing worse."""

from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader import wire


class Cache(NamedTuple):
    x: object
    y: object


arrays = hnp.arrays(st.sampled_from([np.dtype(c) for c in wire.DTYPES]), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
plain = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats() | st.text(max_size=20)
values = st.recursive(plain | arrays, lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
                      | st.dictionaries(st.text(max_size=5), inner, max_size=3) | st.builds(Cache, inner, inner), max_leaves=12)


def same(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, (tuple, list)):
        return type(a).__name__ == type(b).__name__ and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return set(a) == set(b) and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and (a == b or a != a)


def decoded(frame: bytes):
    size = wire.HEADER.size
    sequence, structure, payload = wire.parse_header(frame[:size])
    assert len(frame) == size + structure + payload
    return sequence, wire.decode(frame[size:size + structure], frame[size + structure:])


@settings(max_examples=300, deadline=None)
@given(values, st.integers(0, 2**32 - 1))
def test_every_plain_value_arrives_as_it_was(value, sequence):
    assert decoded(wire.encode_frame(sequence, value))[0] == sequence
    assert same(value, decoded(wire.encode_frame(sequence, value))[1])


@pytest.mark.parametrize("array", [np.arange(12.0).reshape(3, 4).T, np.arange(12)[::-2], np.asfortranarray(np.ones((3, 2))),
                                   np.arange(3, dtype=">f8"), np.broadcast_to(1.5, (2, 3))])
def test_arrays_of_any_memory_layout_arrive_as_their_values(array):
    arrived = decoded(wire.encode_frame(1, array))[1]
    assert np.array_equal(arrived, array) and arrived.flags.c_contiguous


@pytest.mark.parametrize("value, words", [(np.ones(2, complex), "array of complex128"), (np.array([None]), "array of object"), (1 << 70, "integer beyond")])
def test_what_cannot_travel_is_described(value, words):
    arrived = decoded(wire.encode_frame(1, value))[1]
    assert isinstance(arrived, wire.Opaque) and words in arrived.description


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=100))
def test_arbitrary_bytes_give_only_the_protocols_own_error(structure, payload):
    try:
        wire.decode(structure, payload)
    except wire.ProtocolError:
        pass


@settings(max_examples=500, deadline=None)
@given(values, st.data())
def test_mutated_frames_give_a_value_or_the_protocols_own_error(value, data):
    frame = bytearray(wire.encode_frame(7, value))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(frame) - 1))
        frame[place] = data.draw(st.integers(0, 255))
    size = wire.HEADER.size
    try:
        _, structure, payload = wire.parse_header(bytes(frame[:size]))
        wire.decode(bytes(frame[size:size + structure]), bytes(frame[size + structure:size + structure + payload]))
    except wire.ProtocolError:
        pass


trees = st.recursive(st.none() | st.booleans() | st.integers(-5, 1 << 62) | st.text(max_size=4) | st.binary(max_size=4),
                     lambda inner: st.lists(inner, max_size=5) | st.builds(lambda tag, rest: [tag, *rest], st.sampled_from(list("ltdnagrcfho")),
                                                                           st.lists(inner, max_size=4)), max_leaves=20)


@settings(max_examples=800, deadline=None)
@given(trees, st.binary(max_size=64))
def test_any_tree_of_tags_gives_a_value_or_the_protocols_own_error(tree, payload):
    try:
        wire.decode(msgspec.msgpack.encode(tree), payload)
    except wire.ProtocolError:
        pass


@pytest.mark.parametrize("tree", [["a", "<f8", [1 << 39]], ["a", "<f8", [1 << 20, 1 << 20]], ["a", "<f8", [-1]], ["a", "|O", [1]], ["a", "<c16", [1]],
                                  ["a", "<f8", [0] * 9], ["a", "<f8", [True]], ["n", "X", ["a b"], [1]], ["n", "X", ["a"] * 99, [1] * 99]])
def test_hostile_array_headers_are_refused_before_memory_is_taken(tree):
    with pytest.raises(wire.ProtocolError):
        wire.decode(msgspec.msgpack.encode(tree), b"")


def test_nesting_and_counts_are_bounded():
    deep = None
    for _ in range(wire.MAX_DEPTH + 2):
        deep = ["l", [deep]]
    for tree in (deep, ["l", [None] * (wire.MAX_NODES + 1)]):
        with pytest.raises(wire.ProtocolError):
            wire.decode(msgspec.msgpack.encode(tree), b"")


@pytest.mark.parametrize("header", [b"XXXX" + bytes(20), wire.HEADER.pack(wire.MAGIC, 1, wire.MAX_STRUCTURE + 1, 0), wire.HEADER.pack(wire.MAGIC, 1, 0, 1 << 62)])
def test_a_frame_that_is_none_or_too_large_is_refused_by_its_header(header):
    with pytest.raises(wire.ProtocolError):
        wire.parse_header(header)


def test_a_packed_tuple_looks_like_its_values_and_is_handed_on_as_it_came():
    cache = Cache(np.arange(6.0).reshape(2, 3), (1, Cache("a", np.ones(2))))
    structure, payload = wire.encode(("t", cache, np.zeros(2)))
    packed = wire.decode(structure, b"".join(payload), packed=True)
    assert isinstance(packed[1], tuple) and packed[1]._fields == ("x", "y") and len(packed[1]) == 2
    again = wire.encode(packed)
    assert (again[0], b"".join(again[1])) == (structure, b"".join(payload))
    assert np.array_equal(packed[1].x, cache.x) and packed[1].y[1].x == "a" and np.array_equal(packed[2], np.zeros(2))
    assert packed[1]._replace(x=3).x == 3
    with pytest.raises(AttributeError):
        packed[1].z  # noqa: B018


@settings(max_examples=300, deadline=None)
@given(values, st.data())
def test_whatever_is_in_a_packed_tuple_can_be_looked_at(value, data):
    frame = bytearray(wire.encode_frame(7, Cache(value, value)))
    for _ in range(data.draw(st.integers(0, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    size = wire.HEADER.size

    def look(seen):
        for inner in seen if isinstance(seen, (tuple, list)) else ():
            look(inner)

    try:
        _, structure, payload = wire.parse_header(bytes(frame[:size]))
        look(wire.decode(bytes(frame[size:size + structure]), bytes(frame[size + structure:size + structure + payload]), packed=True))
    except wire.ProtocolError:
        pass
