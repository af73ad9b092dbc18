"""Looks into objects without running their code. Unaware of tokens."""

from __future__ import annotations

import types
from typing import Any, Dict, List, Optional, Tuple

from .values_homes import isinstance_of_type, lineage, namespace

_FARTHEST = 200
_MOST_HELD = 16
_EMPTY = frozenset(map(id, (str, int, bool, type(None), types.ModuleType)))


def dict_of(value: Any) -> Optional[Dict[str, Any]]:
    """The attributes of an instance that it keeps in a dictionary; None when it has none."""
    for one in lineage(type(value)):
        found = namespace(one).get("__dict__")
        if type(found) is types.GetSetDescriptorType:
            state = found.__get__(value)
            return state if isinstance_of_dict(state) else None
    return None


def isinstance_of_dict(value: Any) -> bool:
    """Whether it is a dictionary, whatever it says of itself."""
    return type(value) is dict or any(one is dict for one in lineage(type(value)))


def state_of(value: Any) -> List[Tuple[str, Any]]:
    """What an instance keeps in its dictionary and its slots; none of its own code runs."""
    state = dict_of(value)
    found = [] if state is None else list(dict.items(state))
    for one in lineage(type(value)):
        for name, slot in namespace(one).items():
            if type(slot) is not types.MemberDescriptorType or name[-8:] == "offset__":
                continue  # (such a "slot" is where C code finds something)
            if slot.__objclass__ is one:
                try:
                    found.append((name, slot.__get__(value)))
                except AttributeError:
                    continue  # nothing in it yet
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
    if kind in (tuple, list):
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
