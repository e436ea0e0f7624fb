"""Nothing but `core.redaction` makes a `RedactedText`."""

import ast
from pathlib import Path

from core.redaction.model import RedactedText

ROOT = Path(__file__).parents[2]


def test_is_made_by_core_redaction_alone() -> None:
    makers = {
        path.relative_to(ROOT).as_posix()
        for package in ("bot", "core", "db", "providers", "lab")
        for path in (ROOT / package).rglob("*.py")
        if makes_one(path.read_text(encoding="utf-8"))
    }
    assert {path for path in makers if not path.startswith("core/redaction/")} == set()


def test_a_maker_is_recognised_by_whatever_name() -> None:
    for source in (
        "from core.redaction.model import RedactedText\nRedactedText('x')",
        "from core.redaction.model import RedactedText as Fine\nFine('x')",
        "from core.redaction import model\nmodel.RedactedText(text='x')",
        "from core.redaction.model import RedactedText\nmake = RedactedText",
        "from core.redaction.model import *",
    ):
        assert makes_one(source), source


def test_naming_the_type_makes_none() -> None:
    assert not makes_one(
        "from core.redaction.model import RedactedText\n"
        "def send(text: RedactedText, *, more: list[RedactedText]) -> RedactedText | None: ...\n"
        "class Message:\n    text: RedactedText\n"
    )


def test_does_not_show_its_text() -> None:
    assert "secret" not in repr(RedactedText("secret"))


def makes_one(source: str) -> bool:
    """Whether the type stands anywhere but in an annotation or an `isinstance`, or could by another name."""
    if "RedactedText" not in source and "core.redaction" not in source:
        return False
    tree = ast.parse(source)
    harmless: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.expr() as annotation):
                harmless.update(ast.walk(annotation))
            case ast.FunctionDef(returns=ast.expr() as returns) | ast.AsyncFunctionDef(returns=ast.expr() as returns):
                harmless.update(ast.walk(returns))
            case ast.Call(func=ast.Name(id="isinstance")):
                harmless.update(ast.walk(node))
            case ast.ImportFrom(module=str() as module, names=names) if module.startswith("core.redaction"):
                if any(name.name == "*" or (name.name == "RedactedText" and name.asname) for name in names):
                    return True
            case _:
                pass
    return any(
        (isinstance(node, ast.Name) and node.id == "RedactedText")
        or (isinstance(node, ast.Attribute) and node.attr == "RedactedText")
        for node in ast.walk(tree)
        if node not in harmless
    )
