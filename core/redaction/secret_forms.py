"""What passwords and keys look like (reference/redaction.md, recognizers 9). One row a form."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    name: str
    hints: Sequence[str]
    """In lower case: without any of these the text holds none. Looked for first, since most texts hold none."""
    pattern: re.Pattern[str]
    """What is secret is the group `secret`, or the whole."""
    is_told_by_name: bool = False
    """Whether only the name before it tells, so that the value has to look like a secret, too."""


def _token(name: str, hints: str, pattern: str) -> Form:
    """A form that tells by itself. Letters before it would make it part of something longer."""
    return Form(name, hints.split("|"), re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})", re.ASCII))


def _value(name: str, hints: str, before: str, value: str, *, is_told_by_name: bool = False) -> Form:
    pattern = re.compile(rf"(?i:{before})(?P<secret>{value})", re.ASCII)
    return Form(name, hints.split("|"), pattern, is_told_by_name)


_IS = r"[\"']?\s{0,3}(?::\s?[a-z]{1,12}\s{0,2}=|:=|=>|[:=])\s{0,3}[\"'`]?"
"""Between a name and its value, in prose, code, JSON, YAML."""
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

FORMS = (
    _token("AWS key id", "akia|asia|abia|acca", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    _value("AWS secret key", "aws", r"aws.{0,20}?(?:secret|key).{0,20}?", r"(?<![\w/+=])[\w/+]{40}(?![\w/+=])"),
    _token("GitHub token", "ghp_|gho_|ghu_|ghs_|ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _token("GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _token(
        "GitLab token",
        "glpat-|gldt-|glrt-|glcbt-|glptt-|glft-|glimt-|glagent-|glsoat-|gloas-|glffct-",
        r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[\w-]{20,255}",
    ),
    _token("Slack token", "xox", r"xox[abceoprsd](?:\.xox[bp])?-[A-Za-z0-9-]{10,255}"),
    _token("Slack token", "xapp", r"xapp-[A-Za-z0-9-]{10,255}"),
    _token("Slack webhook", "hooks.slack", r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]{20,255}"),
    _token("Discord webhook", "api/webhooks", r"discord(?:app)?\.com/api/webhooks/\d{10,25}/[\w-]{20,120}"),
    _token("Discord token", ".", r"[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])"),
    _token("Telegram token", ":aa", r"\d{8,10}:AA[\w-]{32,34}(?![\w-])"),
    _token("Stripe key", "k_live_|k_test_", r"[spr]k_(?:live|test)_[A-Za-z0-9]{16,255}"),
    _token("Stripe webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{24,100}"),
    _token("Square token", "eaaa|sq0", r"EAAA[\w-]{60}|sq0(?:atp|csp|idp)-[\w-]{22,43}"),
    _token("Anthropic key", "sk-ant", r"sk-ant-[\w-]{20,255}"),
    _token("OpenAI key", "t3blbkfj", r"sk-(?:proj-|svcacct-|admin-)?[\w-]{0,100}T3BlbkFJ[\w-]{10,200}"),
    _token("OpenAI key", "sk-", r"sk-(?:proj-|svcacct-|or-v1-)?[A-Za-z0-9]{32,200}"),
    _token(
        "Groq, xAI, Perplexity, Replicate key", "gsk_|xai-|pplx-|r8_", r"(?:gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{32,100}"
    ),
    _token("Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{30,60}"),
    _token("Google key", "aiza", r"AIza[\w-]{35}"),
    _token("Google OAuth secret", "gocspx-|ya29.|1//", r"GOCSPX-[\w-]{20,60}|ya29\.[\w-]{20,500}|1//0[\w-]{30,200}"),
    _token("npm token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _token("PyPI token", "pypi-", r"pypi-[\w-]{50,255}"),
    _token("RubyGems, crates.io token", "rubygems_|cio", r"rubygems_[0-9a-f]{48}|cio[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    _token("Docker Hub token", "dckr_", r"dckr_(?:pat|oat)_[\w-]{27,60}"),
    _token("SendGrid key", "sg.", r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _token("Mailgun, Mailchimp key", "key-|-us", r"key-[0-9a-f]{32}(?![0-9a-f])|[0-9a-f]{32}-us\d{1,2}(?!\w)"),
    _token("Brevo key", "xkeysib-", r"xkeysib-[0-9a-f]{64}-\w{16}"),
    _token("Twilio key", "sk", r"SK[0-9a-f]{32}(?![0-9a-f])"),
    _token("DigitalOcean token", "dop_|doo_|dor_", r"do[opr]_v1_[0-9a-f]{64}"),
    _token("Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _token(
        "Linear, Notion, Figma token",
        "lin_|ntn_|secret_|figd_",
        r"(?:lin_(?:api|oauth)_|ntn_|secret_|figd_)[\w-]{40,100}",
    ),
    _token("Atlassian token", "atatt", r"ATATT3[\w=-]{50,300}"),
    _token("Airtable token", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    _token("Grafana token", "glsa_|glc_", r"glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2}"),
    _token("HashiCorp Vault token", "hvs.|hvb.|hvr.", r"hv[sbr]\.[\w-]{24,300}"),
    _token("Terraform token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,70}"),
    _token("Databricks token", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?(?![0-9a-f])"),
    _token("New Relic key", "nrak-|nrii-|nriq-|nrjs-", r"NR(?:AK|II|IQ)-[A-Za-z0-9]{27,32}|NRJS-[0-9a-f]{19}"),
    _token("Sentry token", "sntry", r"sntry[su]_[\w+/=-]{40,400}"),
    _token("Postman key", "pmak-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _token(
        "Doppler, Pulumi, PlanetScale token",
        "dp.|pul-|pscale_",
        r"dp\.(?:pt|st|ct|sa)\.[\w.-]{40,60}|pul-[0-9a-f]{40}|pscale_(?:tkn|pw|oauth)_[\w.-]{32,64}",
    ),
    _token("Age key", "age-secret-key-", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    _value(
        "Azure storage key",
        "accountkey|sharedaccesskey",
        r"(?:AccountKey|SharedAccessKey)=",
        r"[A-Za-z0-9+/]{40,90}={0,2}",
    ),
    _token("Azure client secret", "8q~", r"[\w~.-]{3}8Q~[\w~.-]{31,34}"),
    _value("Azure signature", "sig=", r"[?&]sig=", r"[A-Za-z0-9%+/]{40,70}(?:%3d|=){0,2}"),
    _value(
        "Datadog key",
        "datadog|dd_",
        r"(?:datadog|dd_)[\w-]{0,20}(?:key)?[\"']?\s{0,2}[:=]\s{0,2}[\"']?",
        r"[0-9a-f]{40}(?![0-9a-f])|[0-9a-f]{32}(?![0-9a-f])",
    ),
    _value("Heroku key", "heroku", r"heroku[\w-]{0,15}[\"']?\s{0,2}[:=]\s{0,2}[\"']?", _UUID),
    _value(
        "Twilio token",
        "twilio",
        r"twilio.{0,20}?(?:token|secret|key)?[\"']?\s{0,2}[:=]\s{0,2}[\"']?",
        r"[0-9a-f]{32}(?![0-9a-f])",
    ),
    _token("JSON web token", "eyj", r"(?<![\w-])eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]{0,1000}"),
    _token(
        "private key",
        "private key",
        r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----(?s:.*?)(?:-----END (?P=kind)-----|\Z)",
    ),
    _token("PuTTY key", "putty-user-key-file", r"PuTTY-User-Key-File-\d(?s:.*?)(?:Private-MAC: [0-9a-f]{40,64}|\Z)"),
    _value(
        "password in a URL",
        "://",
        r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,100}:",
        r"(?!\$\{|<|\{\{|\*\*|xxx|(?i:pass(?:word|wd)?|pw|pwd|secret|tiger|postgres|root|admin|guest|test|example"
        r"|my-?password)@)[^\s/]{3,200}(?=@)",
    ),
    _value(
        "password on a command line",
        "curl|-u|sshpass",
        r"(?:curl\b[^\n]{0,120}? (?:-u|--user)|sshpass -p) ?[\"']?(?:[\w.@-]{1,60}:)?",
        r"[^\s\"':$<]{6,100}",
        is_told_by_name=True,
    ),
    _value("bearer token", "bearer", r"\bbearer\s{1,3}", r"[\w.~+/-]{16,2000}={0,2}", is_told_by_name=True),
    _value(
        "basic authorization",
        "basic ",
        r"authorization[\"']?\s?[:=]\s?[\"']?basic\s{1,3}",
        r"[A-Za-z0-9+/]{8,400}={0,2}",
        is_told_by_name=True,
    ),
    _value(
        "password",
        "pass",
        rf"(?:password|passwd|passphrase|passcode|passwort|passw)(?:{_IS}|\s{{1,3}}(?:is|was|ist|to)\s{{1,3}}[\"'`]?)",
        r"[^\s\"'`,;]{6,200}",
        is_told_by_name=True,
    ),
    _value(
        "key",
        "secret|token|credential|pwd|key|kennwort|contrase|mot de passe|senha",
        r"(?:secret|token|credentials?|pwd|kennwort|contrase\xf1a|mot de passe|senha|(?:secret|api|access|auth"
        r"|private|signing|encryption|license|client|account|master|session|app)[_ -]?key)" + _IS + "(?:bearer )?",
        r"(?!\d+\b)[^\s\"'`,;]{8,200}",
        is_told_by_name=True,
    ),
)
_CERTAIN = tuple(form for form in FORMS if not form.is_told_by_name)
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
    return _found(text, FORMS)


def certain_secrets_in(text: str) -> Iterator[tuple[int, int]]:
    """Those that tell by themselves what they are, whatever stands before them."""
    return _found(text, _CERTAIN)


def _found(text: str, forms: Sequence[Form]) -> Iterator[tuple[int, int]]:
    lower = text.lower()
    for form in forms:
        if any(hint in lower for hint in form.hints):
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
