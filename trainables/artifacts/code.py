"""The code that work depends on: all modules that a module imports, directly or not, without their prose.

    modules = closure("trainables.tiny_cifar")      # {"trainables.nets.tiny": "3f…", …}
    fingerprint(modules)                            # one SHA-256 for all of it

What is compared is the syntax tree without comments, docstrings and the descriptions of fields: prose changes nothing.
It is written out so that all versions of Python from 3.11 on give the same digest.

Modules that read or draw data count, although a trial's id has the fingerprints of its data: most of these tell the
files, or a version that somebody raises by hand, not the pixels that the code makes of them. None tells how many
classes there are, nor whether neighbours share a writer, from which follows what validation is drawn.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from common.canonical import canonical

OURS = ("common", "trainables")
"""Packages whose modules count, beside those of the modules that are asked about."""


def closure(module: str, *others: str) -> dict[str, str]:
    """Return the SHA-256 of each module that these modules need, themselves included, by name in alphabetical order.

    Modules of `OURS` count, and those of the given modules' own packages. An import counts wherever it stands, within a
    function too. What is imported by a name that is made at run time is not seen, and a module without a source file
    (that of a notebook) is left out.
    """
    packages = {*OURS, *(name.partition(".")[0] for name in (module, *others))}
    found: dict[str, str] = {}
    seen: set[str] = set()
    waiting = [module, *others]
    while waiting:
        name = waiting.pop()
        if name in seen or name.partition(".")[0] not in packages:
            continue
        seen.add(name)
        path = _source(name)
        if path is not None:
            found[name], imports = _read(path.read_bytes())
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            waiting += (own for name in imports for own in _within(importlib.util.resolve_name(name, package)))
    return dict(sorted(found.items()))


def fingerprint(modules: Mapping[str, str]) -> str:
    """Return the SHA-256 (hex) of what `closure` returned."""
    return hashlib.sha256(canonical(modules).encode()).hexdigest()


def digest(source: bytes) -> str:
    """Return the SHA-256 (hex) of a module's source without its prose, as `closure` has it."""
    return _read(source)[0]


@lru_cache(maxsize=256)
def code_behind(module: str, *others: str) -> str:
    """Return the fingerprint of `closure`, as this process first found it: what it has imported changes no more."""
    return fingerprint(closure(module, *others))


def modules_of(function: Callable[..., Any]) -> list[str]:
    """Return the modules that define a function; of a partial one also those of the functions that it is given."""
    if not isinstance(function, partial):
        return [function.__module__]
    given = [value for value in (*function.args, *function.keywords.values()) if callable(value)]
    return list(dict.fromkeys(name for part in (function.func, *given) for name in modules_of(part)))


def _source(module: str) -> Path | None:
    """Return the source file of a module, without importing it; None if there is none."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # the main module of a notebook
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin is not None and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *rest)
        for candidate in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if candidate.is_file():
                return candidate
    return None


@lru_cache(maxsize=1024)  # by content: a plan asks about the modules behind each artifact
def _read(source: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the SHA-256 of a module's code, and what it imports: `a.b`, or relative to its package as `..a.b`."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # the import of it will say so
        return hashlib.sha256(source).hexdigest(), ()
    words: list[str] = []
    imports: dict[str, None] = {}
    _write(tree, words, imports)
    return hashlib.sha256("\n".join(words).encode()).hexdigest(), tuple(imports)


def _write(node: object, words: list[str], imports: dict[str, None]) -> None:
    """Append a part of a syntax tree to `words`, without prose, and the names that it imports to `imports`.

    Empty fields are left out, since versions of Python differ in which of them a node has.
    """
    if isinstance(node, list):
        words.append("[")
        for part in node:
            if not _is_prose(part):
                _write(part, words, imports)
        words.append("]")
    elif isinstance(node, ast.AST) and not isinstance(node, ast.Constant):
        words.append(type(node).__name__)
        for name in node._fields:
            value = getattr(node, name, None)
            if name == "keywords" and isinstance(node, ast.Call) and _makes_field(node):
                value = [keyword for keyword in node.keywords if keyword.arg != "description"]
            if name not in _WITHOUT_EFFECT and value is not None and value != []:
                words.append(name)
                _write(value, words, imports)
        words.append(".")
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.update(dict.fromkeys(_imported(node)))
    else:
        words.append(repr(node.value if isinstance(node, ast.Constant) else node))


_WITHOUT_EFFECT = ("ctx", "kind", "type_comment")  # `ctx` follows from where a name stands


def _is_prose(node: object) -> bool:
    """Return whether a statement is a string and nothing else: a docstring, of whatever stands above it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _makes_field(call: ast.Call) -> bool:
    """Return whether a call is pydantic's `Field(…)`, whose description is prose."""
    return isinstance(call.func, ast.Name) and call.func.id == "Field"


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the names that a statement imports; those that it takes from a module may be modules too."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = "." * node.level + (node.module or "")
    return [base, *(f"{base}.{alias.name}" if node.module else f"{base}{alias.name}" for alias in node.names)]


def _within(module: str) -> Iterator[str]:
    """Yield a module and the packages that it lies in, since their `__init__` runs too."""
    while module:
        yield module
        module = module.rpartition(".")[0]
