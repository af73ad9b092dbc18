"""Looks into objects without running their code. Unaware of tokens."""

from __future__ import annotations

import types
from typing import Any, Callable, Dict, List, Optional, Tuple

from .values_homes import isinstance_of_type, lineage, namespace

_FARTHEST = 200
_MOST_HELD = 16
_EMPTY = frozenset(map(id, (str, int, bool, type(None), types.ModuleType)))


def dict_reader(kind: Any) -> Optional[Callable[[Any], Any]]:
    """What gives the dictionary of a class's instances; None when they have none."""
    for one in lineage(kind):
        found = namespace(one).get("__dict__")
        if type(found) is types.GetSetDescriptorType:
            return found.__get__
    return None


def dict_of(value: Any) -> Optional[Dict[str, Any]]:
    """The attributes of an instance that it keeps in a dictionary; None when it has none."""
    read = dict_reader(type(value))
    state = None if read is None else read(value)
    return state if isinstance_of_dict(state) else None


def isinstance_of_dict(value: Any) -> bool:
    """Whether it is a dictionary, whatever it says of itself."""
    return type(value) is dict or any(one is dict for one in lineage(type(value)))


def slots_of(kind: Any) -> List[Tuple[str, Callable[[Any], Any]]]:
    """The slots of a class's instances and what reads each."""
    return [
        (name, slot.__get__)
        for one in lineage(kind)
        for name, slot in namespace(one).items()
        if type(slot) is types.MemberDescriptorType
        and slot.__objclass__ is one
        and name[-8:] != "offset__"  # where C code finds something, in a process of its own
    ]


def state_of(value: Any) -> List[Tuple[str, Any]]:
    """What an instance keeps in its dictionary and its slots; none of its own code runs."""
    state = dict_of(value)
    found = [] if state is None else list(dict.items(state))
    return found + filled(slots_of(type(value)), value)


def filled(slots: List[Tuple[str, Callable[[Any], Any]]], value: Any) -> List[Tuple[str, Any]]:
    """The slots of an instance that have something in them."""
    found = []
    for name, read in slots:
        try:
            found.append((name, read(value)))
        except AttributeError:
            continue
    return found


def reaches(start: Any, wanted: Any) -> bool:
    """Whether what a name stands for holds `wanted`, as a decorated function is held."""
    seen: Dict[int, Any] = {}
    ahead = [start]
    while ahead and len(seen) < _FARTHEST:
        here = ahead.pop(0)
        if here is wanted:
            return True
        if id(here) not in seen:
            seen[id(here)] = here
            ahead.extend(_held(here))
    return False


def _held(value: Any) -> List[Any]:
    kind = type(value)
    if id(kind) in _EMPTY or isinstance_of_type(value):
        return []
    if kind is types.FunctionType:
        found = list((value.__defaults__ or ()) + (value.__closure__ or ()))
        found.extend(value.__dict__.values())
        return found
    if kind is types.CellType:
        return contents(value)
    if kind is tuple or kind is list:
        return list(value[:_MOST_HELD])
    if kind is dict:
        return list(value.values())[:_MOST_HELD]
    # A property keeps its functions, a method its function, in what looks like slots.
    return [held for _, held in state_of(value)]


def contents(cell: Any) -> List[Any]:
    """What a closure's cell holds: one thing or nothing yet."""
    try:
        return [cell.cell_contents]
    except ValueError:
        return []
