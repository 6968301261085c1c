"""A TOML file that an author writes -> a value, or an error that says what is wrong at which key.

    class LampFile(Settings):
        watts: Annotated[int, Meta(gt=0)] = 40

    read_settings(Path("lamp.toml"), LampFile, "lamp.toml")
    CourseError: unknown key `wats`, did you mean `watts`? @ lamp.toml:wats
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from grader.errors import CourseError


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what is read: frozen, and a misspelt key is an error."""


S = typing.TypeVar("S", bound=Settings)
_AT_KEY = re.compile(r" - at `\$\.?([^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(.*)`$", re.DOTALL)
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


def read_settings(file: Path, settings: type[S], shown: str) -> S:
    """The values of `file`, of type `settings`; errors call the file `shown`."""
    import tomllib

    try:
        return msgspec.convert(tomllib.loads(file.read_bytes().decode("utf-8-sig")), settings)
    except OSError as error:
        raise CourseError(f"cannot be read: {error.strerror}", shown) from error
    except UnicodeDecodeError as error:
        raise CourseError("not UTF-8; save it as UTF-8", shown) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _not_toml(str(error), shown) from error
    except msgspec.ValidationError as error:
        raise _not_settings(str(error), settings, shown) from error


def _not_toml(message: str, shown: str) -> CourseError:
    line = _AT_LINE.search(message)
    what = f"not valid TOML: {_AT_LINE.sub('', message)}"
    return CourseError(what, f"{shown}:{line[1]}" if line else shown)


def _not_settings(message: str, settings: type[Settings], shown: str) -> CourseError:
    """The error of msgspec ("Expected ..., got ... - at `$.key`") as one of ours."""
    place = _AT_KEY.search(message)
    what, key = _AT_KEY.sub("", message), place[1] if place else ""
    if unknown := _UNKNOWN.search(what):
        near = nearest(unknown[1], _keys_at(settings, key))
        what = f"unknown key `{unknown[1]}`" + (f", did you mean `{near}`?" if near else "")
        key = f"{key}.{unknown[1]}".lstrip(".")
    return CourseError(what, f"{shown}:{key}" if key else shown)


def _keys_at(settings: type[Settings], key: str) -> tuple[str, ...]:
    """The keys that fit at `key`, such as `parts[0]`."""
    for name in re.findall(r"\w+", re.sub(r"\[.*?\]", "", key)):
        settings = next(_tables(typing.get_type_hints(settings).get(name)), settings)
    return settings.__struct_fields__


def _tables(hint: object) -> Iterator[type[Settings]]:
    """The tables that a field of type `hint` holds."""
    if isinstance(hint, type) and issubclass(hint, Settings):
        yield hint
    for inner in typing.get_args(hint):
        yield from _tables(inner)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """What was probably meant by `word`."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(known), n=1)), None)
