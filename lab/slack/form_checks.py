"""What a person's Slack client checks before it submits a modal."""

from typing import Any

from lab.slack.block_state import VALUE_KEYS

Json = dict[str, Any]

FILE_BYTES = 10_000_000
"""Of each file in a form (slack-platform.md 6.4)."""


def errors(blocks: list[Json], values: Json) -> dict[str, str]:
    """A sentence by block_id for each input that is not filled as its definition asks."""
    found: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        value = values[block["block_id"]][element["action_id"]][VALUE_KEYS[element["type"]][0]]
        if message := _error(block, element, value):
            found[block["block_id"]] = message
    return found


def _error(block: Json, element: Json, value: Any) -> str | None:
    if value in (None, "", []):
        return None if block.get("optional") else "Please complete this required field."
    match element["type"]:
        case "plain_text_input":
            if len(value) < element.get("min_length", 0):
                return f"Must be at least {element['min_length']} characters."
            if len(value) > element.get("max_length", 3000):
                return f"Must be at most {element.get('max_length', 3000)} characters."
        case "number_input":
            return _number_error(element, value)
        case "email_text_input" if "@" not in value:
            return "Enter an email address."
        case "url_text_input" if not value.startswith(("http://", "https://")):
            return "Enter a URL."
        case "file_input":
            return _file_error(element, value)
    return None


def _file_error(element: Json, files: list[Json]) -> str | None:
    most, types = element.get("max_files", 10), element.get("filetypes")
    if len(files) > most:
        return f"Choose at most {most} file{'s' if most > 1 else ''}."
    if types and any(file["name"].rpartition(".")[2].lower() not in types for file in files):
        return f"Choose a file of these types: {', '.join(types)}."
    if any(file["size"] > FILE_BYTES for file in files):
        return "A file may have 10 MB."
    return None


def _number_error(element: Json, value: str) -> str | None:
    try:
        number = float(value) if element["is_decimal_allowed"] else int(value)
    except ValueError:
        return "Enter a number." if element["is_decimal_allowed"] else "Enter a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Must be at least {element['min_value']}."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Must be at most {element['max_value']}."
    return None
