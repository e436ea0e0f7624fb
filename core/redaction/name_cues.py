"""What stands beside a person's name and tells that it is one: a row a cue."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.redaction.name_forms import ANY, CAPITALS, ENDS, FULL, LOWER, NAME, SHOUTED


@dataclass(frozen=True, slots=True)
class Cue:
    name: str
    hints: Sequence[str]
    """In lower case: without any of these the text has no such cue. Looked for first, since most texts hold few."""
    before: re.Pattern[str]
    """What tells that a name follows: looked for in the text in lower case."""
    names: re.Pattern[str]
    """The name is the group `name`."""
    fewest_words: int = 1


def _cue(name: str, hints: str, before: str, names: str, after: str = "", *, fewest_words: int = 1) -> Cue:
    whole = re.compile(rf"(?P<name>{names}){ENDS}{after}", re.MULTILINE)
    return Cue(name, hints.split("|"), re.compile(before, re.MULTILINE), whole, fewest_words)


_IS = r"[\"'*]{0,3}[ \t]{0,2}(?::=|=>|[:=])[ \t]{0,2}[\"'*]{0,3}"
_KEY_HINTS = "name|holder|nombre|apellido|nom|nome|imi\u0119|nazwisko"
_VALUE_ENDS = r"(?=[\"'*\s,;|&<)}\].]|$)"
_LINE = r"(?:^|\\n)[ \t>*_#|-]{0,6}"
_ASKED = (
    "ask|tell|ping|remind|thank|invite|notify|cc:?|fyi:?|assign(?:ed)? (?:it |this |that )?to|(?:spoke|talked|speak"
    "|talk|chat(?:ted)?) (?:to|with)|met(?: with)?|(?:reported|requested|approved|written|authored|signed|prepared"
    "|submitted|reviewed) by|on behalf of|forward (?:it|this|that) to|reach out to|according to|(?:customer|client"
    "|patient|colleague|employee|candidate|boss|manager|friend|wife|husband|brother|sister|mother|father|son|daughter"
    "|neighbou?r|coworker|caller|kollege|kollegin|mitarbeiter(?:in)?),?"
)
_GREETING = (
    "hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|moin|liebe[r]?|sehr geehrte[r]?(?: herr| frau)?"
    "|bonjour|salut|cher|ch\u00e8re|hola|buenos d\u00edas|estimad[oa]|querid[oa]|ciao|gentile|caro|cara|ol\u00e1"
    "|prezad[oa]|thanks|thank you|danke|merci|gracias|grazie|hej|hei|cze\u015b\u0107|beste|good job|happy birthday"
    "|congrats|congratulations|welcome"
)
_GREETING_HINTS = "|".join(
    sorted({one.split("(")[0].split("[")[0].rstrip() for one in _GREETING.split("|") if one[0].isalpha()})
)
_SIGN_OFF = (
    "(?:best|kind|warm|many|all the)? ?(?:regards|wishes|thanks|best)|best|cheers|thanks(?: again| so much| a lot)?"
    "|thank you|sincerely(?: yours)?|yours(?: sincerely| truly| faithfully)?|respectfully|(?:mit )?(?:freundlichen"
    "|besten|vielen|lieben|viele|liebe|beste|sch\u00f6ne) gr\u00fc(?:\u00df|ss)en?|gru\u00df|lg|vg|mfg|cordialement"
    "|bien \u00e0 vous|saludos|un saludo|atentamente|cordiali saluti|distinti saluti|abra\u00e7os|atenciosamente|love"
    "|xoxo|br|rgds|met vriendelijke groet|med v\u00e4nlig h\u00e4lsning"
)
_PERSON_KEYS = (
    "(?:first|last|full|sur|given|family|middle|maiden|fore|nick|display|customer|client|contact|employee|patient"
    "|user|account|holder|card|cardholder|recipient|sender|author|owner|manager|student|guest|passenger"
    "|beneficiary)[ _-]?(?:name|holder)|firstname|lastname|surname|fname|lname|vorname|nachname|nombre|apellidos?"
    "|prenom|pr\u00e9nom|nome|cognome|sobrenome|imi\u0119|nazwisko"
)
_ROLE_KEYS = (
    "from|to|cc|bcc|reply-to|sender|recipient|von|an|author|authors|assignee|assigned|assigned[ _]to|reporter"
    "|reported[ _-]by|signed-off-by|co-authored-by|reviewed-by|acked-by|approved[ _-]by|created[ _-]by"
    "|requested[ _-]by|requester|caller|attendees?|participants?|customer|client|contact|patient|employee|candidate"
    "|applicant|owner|manager|name|kunde|ansprechpartner|tenant|landlord|doctor|physician|nurse|teacher|student"
    "|passenger|guest|cardholder|holder|beneficiary|insured|policyholder|witness|plaintiff|defendant|speaker|host"
    "|organizer|lead|supervisor|emergency contact"
)

CUES = (
    _cue(
        "a title",
        "mr|ms|dr|prof|miss|mx|sir|dame|herr|frau|mme|mlle|madame|monsieur|sr|dott|sig|rev|se\u00f1or|hr.|capt|sgt"
        "|judge|m.",
        r"(?<![\w.-])(?:(?:mr|mrs|ms|miss|mx|dr|prof|sr|sra|srta|hr|mme|mlle|dott|sig|rev|capt|sgt|m)\.|mr|mrs|ms"
        r"|miss|mx|dr|prof|professor|sir|dame|herrn?|frau|mme|mlle|madame|monsieur|se\u00f1ora?|sra|signora?"
        r"|judge) (?:(?:dr|prof|ing)\.? ){0,2}",
        f"{ANY}|{CAPITALS}(?: {CAPITALS})?",
    ),
    _cue("a title in lower case", "mr|mrs", r"(?<![\w.-])mrs?\.? ", LOWER),
    _cue(
        "a name told",
        "name|called|hei\u00dfe|heisse|appelle|llamo|chiamo|chamo",
        r"(?<!\w)(?:(?:my|his|her|their|the|customer's|full) (?:full |first |last |real )?name(?:'s| is|:)|name's"
        r"|(?:he|she|i)(?:'s| is| am|'m) called|ich hei(?:\u00df|ss)e|(?:mein|ihr|sein) name ist|je m'appelle"
        r"|me llamo|mi nombre es|mi chiamo|me chamo|meu nome \u00e9) ",
        rf"{ANY}|{SHOUTED}|{LOWER}(?: {LOWER})?",
    ),
    _cue(
        "I am",
        "i am|i'm|i\u2019m|ich bin|je suis|soy|sono",
        r"(?<!\w)(?:i am|i['\u2019]m|ich bin|je suis|soy|sono) ",
        ANY,
        fewest_words=2,
    ),
    _cue(
        "I am, and from where",
        "i am|i'm|i\u2019m|this is|it's|ich bin|here is",
        r"(?<!\w)(?:i am|i['\u2019]m|this is|it's|ich bin|here is) ",
        ANY,
        r"(?= (?:from|speaking|calling|here|again|at)\b|, (?:the|a|an|your|from|head|ceo|cto) )",
    ),
    _cue("somebody asked", "", rf"(?<![\w.-])(?:{_ASKED}) @?", ANY),
    _cue(
        "a greeting",
        _GREETING_HINTS,
        rf"(?:^|(?<=[\"'(>.!?\n] )|(?<=[\"'(>\n]))[ \t]*(?:{_GREETING}),? ",
        rf"{ANY}|{CAPITALS}",
        r"(?=[ \t]*(?:[,!.:;\u2014-]|$)| and | (?:I|we|can|could|please|thanks|how|my|this|the)\b)",
    ),
    _cue(
        "a greeting in lower case",
        "hi |hello |hey |dear |hallo |hola |bonjour ",
        r"^[ \t]*(?:hi|hello|hey|dear|hallo|hola|bonjour),? ",
        LOWER,
        r"(?=[ \t]*(?:[,!]|$))",
    ),
    _cue(
        "a sign-off",
        "",
        rf"^[ \t>]*(?:{_SIGN_OFF})[,.!]?[ \t]*\n{{1,3}}[ \t>]*(?:[-\u2013\u2014~] ?)?",
        rf"{ANY}|{LOWER}|{SHOUTED}",
        r"(?=[ \t]*(?:[,|(.]|$))",
    ),
    _cue(
        "a sign-off in line",
        "thanks|cheers|regards|best|thank you|gr\u00fc|lg|vg|mfg|saludos|cordialement",
        rf"(?<!\w)(?:{_SIGN_OFF})(?:,| -) ?(?:[-\u2013] ?)?",
        ANY,
        r"(?=[ \t]*[.!]?[ \t]*$)",
    ),
    _cue("a last line", "\n-|\n\u2014|\n~", r"\n[-\u2013\u2014~]{1,2} ?", ANY, r"(?=[ \t]*\Z)"),
    _cue("a role", ":", rf"{_LINE}(?:{_ROLE_KEYS})[*\"']{{0,3}}[ \t]?:[ \t]?[*\"']{{0,3}}", FULL, fewest_words=2),
    _cue(
        "a header",
        ":",
        rf"{_LINE}(?:from|to|cc|bcc|reply-to|von|an|assignee|reporter|requester|caller|patient"
        rf"|attendees?)[*\"']{{0,3}}:[ \t]?[*\"']{{0,3}}",
        NAME,
        r"(?=[ \t]*(?:[,;<(&]|$))",
    ),
    _cue("a key", _KEY_HINTS, rf"(?<![a-z])(?:{_PERSON_KEYS}){_IS}", rf"{ANY}|{SHOUTED}|{CAPITALS}", _VALUE_ENDS),
    _cue(
        "a key of lower-case values",
        _KEY_HINTS,
        rf"(?<![a-z])(?:{_PERSON_KEYS})(?:[\"']?: ?[\"']?|=[\"']?| = [\"'])",
        LOWER,
        _VALUE_ENDS,
    ),
    _cue("a quoted value", "\"|'", rf"[\"'](?:name|{_ROLE_KEYS})[\"'][ \t]?(?::|=>|,)[ \t]?[\"']", ANY, r"(?=[\"'])"),
    _cue(
        "XML",
        "name>|author>|customer>|contact>",
        rf"<(?:\w{{1,20}}:)?(?:name|{_PERSON_KEYS}|author|customer|contact|owner|employee|patient)>",
        rf"{ANY}|{LOWER}",
        r"(?=</)",
    ),
    _cue("a mail link's label", "mailto:", r"<mailto:[^|>\s]{3,200}\|", ANY, r"(?=>)"),
    _cue("a mention's label", "<@", r"<@[uw][a-z0-9]{2,20}\|", rf"{ANY}|[\w.-]{{2,40}}", r"(?=>)"),
)
