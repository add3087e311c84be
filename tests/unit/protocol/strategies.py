"""Hypothesis strategies for every message, derived from the structs themselves.

A new field or channel is covered without a line here.
"""

import msgspec
from hypothesis import reject
from hypothesis import strategies as st
from msgspec import inspect

from muster_protocol.channels import CHANNELS, Direction
from muster_protocol.messages import Message

SMALL = 4
"""Most entries of a list or object that is made: enough for first, middle, last."""

texts = st.text(st.characters(codec="utf-8"), max_size=40)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=SMALL) | st.dictionaries(texts, inner, max_size=SMALL),
    max_leaves=8,
)
directions = st.sampled_from(Direction)
channels = st.sampled_from(CHANNELS)


def messages(kind: type[Message]) -> st.SearchStrategy[Message]:
    """Make valid messages of the class."""
    return of_type(inspect.type_info(kind))


def of_type(info: inspect.Type) -> st.SearchStrategy:
    """Make values that satisfy msgspec's description of a type."""
    return MAKERS[type(info)](info)


def _text(info: inspect.StrType) -> st.SearchStrategy[str]:
    low, high = info.min_length or 0, min(info.max_length or 40, 40)
    if info.pattern is None:
        return st.text(st.characters(codec="utf-8"), min_size=low, max_size=high)
    fitting = st.from_regex(info.pattern, fullmatch=False)
    return fitting.filter(lambda text: low <= len(text) and text.isprintable())


def _integers(info: inspect.IntType) -> st.SearchStrategy[int]:
    low = -(2**63) if info.ge is None else info.ge
    return st.integers(low, 2**63 - 1 if info.le is None else info.le)


def _floats(info: inspect.FloatType) -> st.SearchStrategy[float]:
    return st.floats(info.ge, info.le, allow_nan=False, allow_infinity=False)


def _objects(info: inspect.DictType) -> st.SearchStrategy[dict]:
    return st.dictionaries(of_type(info.key_type), of_type(info.value_type), max_size=SMALL)


@st.composite
def _struct(draw: st.DrawFn, info: inspect.StructType) -> msgspec.Struct:
    """Fill the fields, optional ones or not, and draw again what the struct itself refuses."""
    fields = {field.name: of_type(field.type) for field in info.fields}
    optional = [field.name for field in info.fields if not field.required]
    left_out = draw(st.sets(st.sampled_from(optional))) if optional else set()
    values = {name: draw(made) for name, made in fields.items() if name not in left_out}
    try:
        return info.cls(**values)
    except ValueError:
        reject()


MAKERS = {
    inspect.Metadata: lambda info: of_type(info.type),
    inspect.StructType: _struct,
    inspect.StrType: _text,
    inspect.IntType: _integers,
    inspect.FloatType: _floats,
    inspect.BoolType: lambda _: st.booleans(),
    inspect.NoneType: lambda _: st.none(),
    inspect.AnyType: lambda _: json_values,
    inspect.EnumType: lambda info: st.sampled_from(list(info.cls)),
    inspect.ListType: lambda info: st.lists(of_type(info.item_type), max_size=SMALL),
    inspect.TupleType: lambda info: st.tuples(*map(of_type, info.item_types)),
    inspect.DictType: _objects,
    inspect.UnionType: lambda info: st.one_of(list(map(of_type, info.types))),
}
"""One maker for each kind of type that messages use; a new kind fails until it has one."""
