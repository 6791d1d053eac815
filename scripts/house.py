"""The rules of the house that keep the code obvious: `python -m scripts.house` prints each breach, and ends 1 on any.

Judged on the syntax tree, so a comment or a docstring that names a forbidden thing is no breach. The imports that
count are those of our own packages, wherever in a file they stand.
"""

import ast
import re
import sys
from collections.abc import Iterator
from statistics import median

from scripts.python_files import Breach, Module, arguments, belongs, docstrings, functions, read_modules, text

FILE_LINES_MAX = 250
JOB_LINES_MAX = 40
BODY_LINES_MAX = 40
BODY_LINES_MEDIAN_MAX = 10

# The floors, lowest first; a module imports its own floor and those below. The rest of lakehouse (l1, l2, l3,
# release, promote, reports) stands between the gates and the jobs.
GROUND = ("errors", "domain", "table", "config", "columns")
FLOOR_OF = {f"lakehouse.{name}": 0 for name in GROUND} | {"lakehouse.storage": 1, "lakehouse.gates": 2}
FLOOR_OF_THE_REST = 3
FLOOR_OF_JOBS = 4
# Frozen declarations, which hold nothing but what tables and feeds are, may be read from every floor.
DECLARATIONS = ("lakehouse.l1.feeds", "lakehouse.ops")
PURE = ("lakehouse.domain", "lakehouse.table", "lakehouse.columns")
IMPURE = ("lakehouse.session", "lakehouse.storage", "lakehouse.config", "jobs")

CLOCKS = re.compile(
    r"datetime\.datetime\.(now|utcnow|today)|datetime\.date\.today|time\.(time|time_ns|localtime|gmtime|ctime)"
    r"|pandas\.Timestamp\.(now|utcnow|today)"
    r"|pyspark\.sql\.functions\.(current_date|current_timestamp|curdate|now|localtimestamp|current_time)"
)
CHANCES = re.compile(
    r"uuid\.uuid[14]|os\.urandom|secrets\.\w+|random\.(?!Random$)\w+|pyspark\.sql\.functions\.(uuid|shuffle)"
    r"|numpy\.random\.(?!default_rng$|RandomState$|SeedSequence$|Generator$|PCG64$|Philox$|BitGenerator$)\w+"
)
SEEDED = re.compile(
    r"random\.Random|numpy\.random\.(default_rng|RandomState|SeedSequence|PCG64|Philox)"
    r"|pyspark\.sql\.functions\.(rand|randn)"
)
SQL_CLOCKS = re.compile(r"\b(current_date|current_timestamp|localtimestamp|curdate)\b|\bnow\(\)", re.IGNORECASE)


def floor(name: str) -> int | None:
    """The floor that a module of ours stands on; None for others' modules and for those that stand apart."""
    if belongs(name, ("jobs",)):
        return FLOOR_OF_JOBS
    for package, number in FLOOR_OF.items():
        if belongs(name, (package,)):
            return number
    return FLOOR_OF_THE_REST if belongs(name, ("lakehouse",)) else None


def imports_upward(module: Module) -> Iterator[Breach]:
    """Imports point one way: jobs, then the parts, gates, storage, and the ground."""
    mine = floor(module.name)
    for _, target, line in module.imports:
        other = floor(target)
        if mine is None and other is not None and not belongs(target, (*PURE, *DECLARATIONS, "lakehouse.errors")):
            yield Breach(module.name, line, f"imports {target}: the generator knows only domain and declarations")
        elif mine is not None and other is not None and other > mine and not belongs(target, DECLARATIONS):
            yield Breach(module.name, line, f"imports {target}, which stands on a higher floor")
        elif mine is not None and mine < FLOOR_OF_JOBS and belongs(target, ("datagen",)):
            yield Breach(module.name, line, f"imports {target}: the lake does not know its generator")


def must_be_pure(module: Module) -> bool:
    """Whether a module may know neither session nor storage nor settings: the ground, and every build()."""
    has_build = any(isinstance(node, ast.FunctionDef) and node.name == "build" for node in module.tree.body)
    return belongs(module.name, PURE) or (has_build and belongs(module.name, ("lakehouse.l2",)))


def neighbours(module: Module, by_name: dict[str, Module]) -> dict[str, int]:
    """Our modules that a module imports, each with the line."""
    found = {}
    for _, target, line in module.imports:
        name = target if target in by_name else target.rpartition(".")[0]
        if name in by_name and name != module.name:
            found[name] = line
    return found


def impure_imports(modules: list[Module]) -> Iterator[Breach]:
    """Pure modules reach no session, storage or settings, not by way of others either."""
    by_name = {module.name: module for module in modules}
    for module in filter(must_be_pure, modules):
        for name, line in neighbours(module, by_name).items():
            for reached in sorted(reachable(name, by_name)):
                if belongs(reached, IMPURE):
                    yield Breach(module.name, line, f"is pure, but reaches {reached} through {name}")


def reachable(start: str, by_name: dict[str, Module]) -> set[str]:
    """Names of the modules that a module imports, itself included, however indirectly."""
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += neighbours(by_name[name], by_name)
    return seen


def clocks_and_chances(module: Module) -> Iterator[Breach]:
    """No clock and no unseeded chance outside jobs/: the same input gives the same output."""
    if belongs(module.name, ("jobs",)):
        return
    docs = {id(doc) for doc in docstrings(module.tree)}
    bare = {id(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call) and not arguments(node)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = module.full_name(node)
            if CLOCKS.fullmatch(name) or (name == "pyspark.sql.functions.unix_timestamp" and id(node) in bare):
                yield Breach(module.name, node.lineno, f"{name} is a clock: take the time as a parameter")
            elif CHANCES.fullmatch(name) and name.split(".")[0] in roots(module):
                yield Breach(module.name, node.lineno, f"{name} is unseeded chance")
            elif SEEDED.fullmatch(name) and id(node) in bare:
                yield Breach(module.name, node.lineno, f"{name} without a seed")
        elif isinstance(node, ast.Constant) and id(node) not in docs and SQL_CLOCKS.search(text(node)):
            yield Breach(module.name, node.lineno, "SQL that asks the clock: take the time as a parameter")


def roots(module: Module) -> set[str]:
    """First parts of what a module imports: `random.x` is the library's only where that is imported."""
    return {target.split(".")[0] for target in module.bound.values()}


def sizes(module: Module) -> Iterator[Breach]:
    """Files and functions short enough to be read at one go."""
    lines = len(module.source.splitlines())
    limit = JOB_LINES_MAX if belongs(module.name, ("jobs",)) else FILE_LINES_MAX
    if lines > limit:
        yield Breach(module.name, lines, f"{lines} lines; at most {limit}")
    for node, body in functions(module):
        if body > BODY_LINES_MAX:
            yield Breach(module.name, node.lineno, f"{node.name} has {body} lines; at most {BODY_LINES_MAX}")


def typical_size(modules: list[Module]) -> Iterator[Breach]:
    """The median function is short."""
    bodies = [body for module in modules for _, body in functions(module)]
    if bodies and median(bodies) > BODY_LINES_MEDIAN_MAX:
        said = f"the median function body has {median(bodies)} lines; at most {BODY_LINES_MEDIAN_MAX}"
        yield Breach("all", 0, said)


def breaches(modules: list[Module]) -> list[Breach]:
    """Every breach of every rule."""
    found = [*impure_imports(modules), *typical_size(modules)]
    for module in modules:
        found += [*imports_upward(module), *clocks_and_chances(module), *sizes(module)]
    return sorted(found, key=lambda breach: (breach.module, breach.line, breach.said))


if __name__ == "__main__":
    wrong = breaches(read_modules())
    print("\n".join(map(str, wrong)), end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)
