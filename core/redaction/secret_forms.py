"""What passwords and keys look like (reference/redaction.md, recognizers 9). One row a form."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    name: str
    hint: str
    """Without these letters, in any case, the text holds none: looked for first, since most texts hold none."""
    pattern: re.Pattern[str]
    """What is secret is the group `secret`, or the whole."""
    is_told_by_name: bool = False
    """Whether only the name before it tells, so that the value has to look like a secret, too."""


def _token(name: str, hint: str, pattern: str) -> Form:
    """A form that tells by itself. Letters before it would make it part of something longer."""
    return Form(name, hint, re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})", re.ASCII))


def _value(name: str, hint: str, before: str, value: str, *, is_told_by_name: bool = False) -> Form:
    return Form(name, hint, re.compile(rf"(?i:{before})(?P<secret>{value})", re.ASCII), is_told_by_name)


_IS = r"[\"']?\s{0,3}(?::\s?[a-z]{1,12}\s{0,2}=|:=|=>|[:=])\s{0,3}[\"'`]?"
"""Between a name and its value, in prose, code, JSON, YAML."""

FORMS = (
    _token("AWS key id", "A", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    _value("AWS secret key", "aws", r"aws.{0,20}?(?:secret|key).{0,20}?", r"(?<![\w/+=])[\w/+]{40}(?![\w/+=])"),
    _token("GitHub token", "gh", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _token("GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _token("GitLab token", "gl", r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[\w-]{20,255}"),
    _token("Slack token", "xox", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,255}"),
    _token("Slack token", "xapp", r"xapp-[A-Za-z0-9-]{10,255}"),
    _token("Slack webhook", "hooks.slack", r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]{20,255}"),
    _token("Stripe key", "k_", r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}"),
    _token("Anthropic key", "sk-ant", r"sk-ant-[\w-]{20,255}"),
    _token("OpenAI key", "sk-", r"sk-(?:proj-|svcacct-|admin-)?[\w-]{0,100}T3BlbkFJ[\w-]{10,200}"),
    _token("OpenAI key", "sk-", r"sk-(?:proj-)?[A-Za-z0-9]{32,200}"),
    _token("Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{30,60}"),
    _token("Google key", "AIza", r"AIza[\w-]{35}"),
    _token("npm token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _token("PyPI token", "pypi-", r"pypi-[\w-]{50,255}"),
    _token("SendGrid key", "SG.", r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _token("Twilio key", "SK", r"SK[0-9a-f]{32}(?![0-9a-f])"),
    _token("JSON web token", "eyJ", r"(?<![\w-])eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]{0,1000}"),
    _token(
        "private key",
        "PRIVATE KEY",
        r"-----BEGIN (?P<kind>[A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?)-----(?s:.*?)(?:-----END (?P=kind)-----|\Z)",
    ),
    _value(
        "password in a URL",
        "://",
        r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,100}:",
        r"(?!\$\{|<|\{\{|\*\*|xxx)[^\s/]{3,200}(?=@)",
    ),
    _value("bearer token", "bearer", r"\bbearer\s{1,3}", r"[\w.~+/-]{16,2000}", is_told_by_name=True),
    _value(
        "password",
        "pass",
        rf"(?:password|passwd|passphrase|passcode)(?:{_IS}|\s{{1,3}}is\s{{1,3}}[\"'`]?)",
        r"[^\s\"'`,;]{6,200}",
        is_told_by_name=True,
    ),
    _value(
        "key",
        "",
        r"(?:secret|token|credentials?|pwd|(?:secret|api|access|auth|private|signing|encryption)[_-]?key)"
        + _IS
        + "(?:bearer )?",
        r"(?!\d+\b)[^\s\"'`,;]{8,200}",
        is_told_by_name=True,
    ),
)

LEAST_ENTROPY = 2.3
"""Bits a character of what only its name tells: `S3cr3t99` has 2.5, `aaaa1111` 1."""

_EXAMPLES = re.compile(
    r"(?i)x{3,}|\*{3,}|\.{3}|example|changeme|placeholder|your|dummy|redacted|\$\{|\$\(|<[^>]*>|\{\{|%\("
)
_EXPRESSION = re.compile(
    r"[A-Za-z_$][\w$]*(?:[(\[]|\.[A-Za-z_]|->|::)|\$\w+\Z|[A-Z][A-Z0-9]*_[A-Z0-9_]*\Z|[(\[{/\\]", re.ASCII
)
"""Something done with a name, as in `token = tokenizer.encode(text)`, a variable, or a bracket."""


def secrets_in(text: str) -> Iterator[tuple[int, int]]:
    """Where they stand: from, to."""
    lower = text.lower()
    for form in FORMS:
        if form.hint.lower() not in lower:
            continue
        group = "secret" if "secret" in form.pattern.groupindex else 0
        for found in form.pattern.finditer(text):
            if not form.is_told_by_name or _looks_secret(found[group]):
                yield found.span(group)


def _looks_secret(value: str) -> bool:
    if _EXAMPLES.search(value) or _EXPRESSION.match(value):
        return False
    kinds = sum(any(map(test, value)) for test in (str.islower, str.isupper, str.isdigit, _is_mark))
    has_more_than_words = value.isdecimal() or (kinds >= 2 and not value.replace("-", "").replace("_", "").isalpha())
    return has_more_than_words and _entropy(value) >= LEAST_ENTROPY


def _is_mark(character: str) -> bool:
    return character in "!@#$%^&*+=~?"


def _entropy(value: str) -> float:
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
