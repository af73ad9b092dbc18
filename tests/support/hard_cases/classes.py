"""Hard cases of classes: attributes, what subclassing sets off, what is called without being named."""

from __future__ import annotations

from support.hard_cases.case import Case, case
from support.hard_cases.values import two

_LIB = "NAME_lib.py"
CLASSES: tuple[Case, ...] = (
    case(
        "class_attribute",
        two(
            """
            class Box:
                size = 1
                colour = "red"

                def area(self):
                    return self.size

                def paint(self):
                    return self.colour
            """,
            "lib.Box().area() == 1",
            "lib.Box().paint() == 'red'",
        ),
        {_LIB: ("size = 1", "size = 7")},
        "a",
    ),
    case(
        "init_subclass",
        two(
            """
            REGISTRY = {}


            class Plugin:
                def __init_subclass__(cls):
                    REGISTRY[cls.__name__] = cls


            class One(Plugin):
                pass


            def plain():
                return 1
            """,
            "'One' in lib.REGISTRY",
            "lib.plain() == 1",
        ),
        {_LIB: ("cls.__name__]", "cls.__name__.lower()]")},
        "a",
    ),
    case(
        "dataclass_field",
        two(
            """
            from dataclasses import dataclass


            @dataclass
            class Point:
                x: int = 1


            def origin():
                return Point().x


            def plain():
                return 1
            """,
            "lib.origin() == 1",
            "lib.plain() == 1",
        ),
        {_LIB: ("x: int = 1", "x: int = 9")},
        "a",
    ),
    case(
        "enum_member",
        two(
            """
            from enum import Enum


            class Colour(Enum):
                RED = 1
                BLUE = 2


            def red():
                return Colour.RED.value


            def plain():
                return 1
            """,
            "lib.red() == 1",
            "lib.plain() == 1",
        ),
        {_LIB: ("RED = 1", "RED = 7")},
        "a",
    ),
    case(
        "metaclass",
        two(
            """
            class Meta(type):
                def __new__(meta, name, bases, space):
                    space["tag"] = "x"
                    return type.__new__(meta, name, bases, space)


            class Tagged(metaclass=Meta):
                pass


            def plain():
                return 1
            """,
            "lib.Tagged.tag == 'x'",
            "lib.plain() == 1",
        ),
        {_LIB: ('= "x"', '= "y"')},
        "a",
    ),
    case(
        "special_method_added",
        two(
            "class Bag:\n    pass\n\n\ndef plain():\n    return 1\n",
            "bool(lib.Bag())",
            "lib.plain() == 1",
        ),
        {_LIB: ("    pass", "    def __len__(self):\n        return 0")},
        "a",
    ),
    case(
        "override_added",
        two(
            """
            class Parent:
                def greet(self):
                    return 1


            class Child(Parent):
                pass


            def plain():
                return 1
            """,
            "lib.Child().greet() == 1",
            "lib.plain() == 1",
        ),
        {
            _LIB: (
                "class Child(Parent):\n    pass",
                "class Child(Parent):\n    def greet(self):\n        return 2",
            )
        },
        "a",
    ),
    case(
        "another_base_class",
        two(
            """
            class One:
                def greet(self):
                    return 1


            class Two:
                def greet(self):
                    return 2


            class Child(One):
                pass


            def plain():
                return 1
            """,
            "lib.Child().greet() == 1",
            "lib.plain() == 1",
        ),
        {_LIB: ("Child(One)", "Child(Two)")},
        "a",
    ),
)
