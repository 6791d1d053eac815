"""Python files as the rules of the house see them: their names, imports and syntax trees."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("lakehouse", "jobs", "datagen")


@dataclass(frozen=True)
class Breach:
    """One place that breaks a rule."""

    module: str
    line: int
    said: str

    def __str__(self) -> str:
        """As compilers say it."""
        return f"{self.module}:{self.line}: {self.said}"


@dataclass(frozen=True)
class Module:
    """One Python file; `name` is dotted, as imports say it."""

    name: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.source)

    @cached_property
    def imports(self) -> list[tuple[str, str, int]]:
        """Each import: the name it binds, what that stands for, dotted and whole, and its line."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(alias.asname or alias.name, alias.name, node.lineno) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                found += [(alias.asname or alias.name, f"{base}.{alias.name}", node.lineno) for alias in node.names]
        return found

    @cached_property
    def bound(self) -> dict[str, str]:
        """Name → what it stands for."""
        return {name: target for name, target, _ in self.imports}

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parents = self.name.split(".")[: -node.level]
        return ".".join([*parents, *([node.module] if node.module else [])])

    def full_name(self, node: ast.expr) -> str:
        """The dotted name that an expression stands for, imports resolved; empty where it is no name."""
        if isinstance(node, ast.Name):
            return self.bound.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            owner = self.full_name(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""


def belongs(name: str, packages: Iterable[str]) -> bool:
    """Whether a dotted name is one of `packages`, or inside one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def functions(module: Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Every function of a file with the number of lines of its body, docstring apart."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node, (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    """The expressions of a file that are docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def arguments(call: ast.Call) -> list[ast.expr]:
    """What a call is given, by place or by name; a seed of None is none."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return [value for value in given if not (isinstance(value, ast.Constant) and value.value is None)]


def text(node: ast.AST) -> str:
    """The text that a node is; empty where it is none."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def read_modules(root: Path = ROOT) -> list[Module]:
    """Every Python file of the packages that the rules hold for."""
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return [Module(module_name(path.relative_to(root)), path.read_text(encoding="utf-8")) for path in paths]


def module_name(path: Path) -> str:
    """The dotted name of a file, as imports say it."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
