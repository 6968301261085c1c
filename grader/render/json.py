"""The report as JSON: one line, names and order of `grade/report/v1`, and the JSON Schema of it.

    python -m grader.render.json > grader/render/report.schema.json     after a change of the report

Numbers that are not finite are the strings "nan", "inf", "-inf". Characters that would break the line or
steer a terminal are written as JSON escapes: printed, a line is harmless, and read back its text is exact.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import msgspec

from grader.record.report import SCHEMA, Output, Report, TestReport
from grader.render.words import number

SCHEMA_FILE = Path(__file__).with_name("report.schema.json")

LAST = {"Finding": ("axes", "worst_index", "relation", "means"), "Raised": ("bases",)}
"""Fields beyond those that the interface lists: they follow the others."""

JUDGED = ("passed", "wrong", "raised", "timeout", "crashed", "violation", "not_attempted", "blocked", "ungraded")
CHOICES = {
    "Report": {
        "schema": (SCHEMA,),
        "scope": ("public", "all"),
        "verdict": ("passed", "failed", "not_attempted", "not_loaded", "stopped", "ungraded"),
    },
    "SubmissionReport": {"kind": ("py", "ipynb")},
    "SandboxReport": {"level": ("strict", "available", "off")},
    "PartReport": {"verdict": ("passed", "failed", "not_attempted", "blocked", "ungraded")},
    "TestReport": {"visibility": ("public", "hidden"), "verdict": JUDGED},
    "CaseReport": {"verdict": JUDGED},
    "Diagnosis": {"certainty": ("certain", "possible")},
}
"""The words of a field, where they are fewer than its type allows."""

NUMBER = {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf", None]}]}


def to_json(report: Report) -> str:
    """The line, without its newline."""
    line = msgspec.json.encode(_plain(report)).decode()
    return line if line.isprintable() else "".join(char if char.isprintable() else _escaped(char) for char in line)


def from_json(line: str | bytes) -> Report:
    """The report of a line that `to_json` wrote; "nan" and "inf" are numbers again where a number belongs."""
    return msgspec.json.decode(line, type=Report, strict=False)


def _plain(value: Any) -> Any:
    """Dicts, lists, texts, numbers that JSON knows."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < 64 else number(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, complex):
        return number(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, msgspec.Struct):
        return _plain_struct(value)
    raise TypeError(f"a {type(value).__name__} in a report: only plain data can be written as JSON")


def _plain_struct(value: msgspec.Struct) -> dict[str, Any]:
    plain = {name: _plain(getattr(value, name)) for name in _ordered(type(value).__name__, value.__struct_fields__)}
    if isinstance(value, TestReport) and value.output is None:
        plain["output"] = _plain(Output())
    return plain


def _ordered(struct: str, names: tuple[str, ...]) -> tuple[str, ...]:
    last = LAST.get(struct, ())
    return (*(name for name in names if name not in last), *last)


def _escaped(char: str) -> str:
    """JSON's escape, in UTF-16 code units."""
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[k : k + 4]}" for k in range(0, len(units), 4))


def schema() -> dict[str, Any]:
    """JSON Schema of a line: every field is always there, further ones may be added."""
    (top,), structs = msgspec.json.schema_components((Report,), schema_hook=_anything, ref_template="#/$defs/{name}")
    definitions = {name: _as_written(name, one) for name, one in structs.items() if name != "Verdict"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **top, "$defs": definitions}


def _anything(kind: type) -> dict[str, Any]:
    if kind is object:
        return {"description": "a plain value"}
    raise NotImplementedError


def _as_written(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """The definition of a struct, as `to_json` writes it."""
    if "properties" not in definition:
        return definition
    fields = {field: _without_default(one) for field, one in definition["properties"].items()}
    fields |= {field: {"enum": list(words)} for field, words in CHOICES.get(name, {}).items()}
    if name == "Finding":
        fields |= {"max_abs": NUMBER, "max_rel": NUMBER}
    if name == "TestReport":
        fields["output"] = {"$ref": "#/$defs/Output"}
    names = _ordered(name, tuple(fields))
    return {**definition, "properties": {field: fields[field] for field in names}, "required": list(names)}


def _without_default(field: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key != "default"}


def schema_text() -> str:
    """What stands in the schema's file."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
