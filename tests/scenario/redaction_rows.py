"""Rows of the matrix of access for redaction: the policy and the team's lists, prompts that wait for a word of their
authors, what a model saw."""

from bot.ids import Action, Input, Modal
from bot.views import kit
from bot.views.redaction import ALLOW
from core.redaction.model import EntityType
from lab.slack.screen import Json
from tests.scenario.access_rows import (
    ADMINS,
    BUILDERS,
    READERS,
    Forgery,
    Gone,
    Row,
    Value,
    command,
    press,
    submit,
)
from tests.scenario.access_world import ROOM, Place, World

EMAIL = f"{Input.DISPOSITION}:{EntityType.EMAIL}"
STRICTER = kit.labelled(
    "Email",
    kit.select(Input.DISPOSITION, [option := kit.option("Block", "block")], initial=option),
    block_id=EMAIL,
    optional=True,
)
DAYS = kit.labelled(
    "Days", kit.number_input(Input.RETENTION_DAYS, least=1, most=999, initial=30), block_id=Input.RETENTION_DAYS
)
OTHER_DAYS: Json = {Input.RETENTION_DAYS: {"type": "number_input", "value": "31"}}
TERMS = kit.labelled(
    "Terms", kit.text_input(Input.TERMS, multiline=True, initial="Kumquat Rocketry"), block_id=Input.TERMS
)
LISTED_AS = kit.labelled(
    "As",
    kit.select(Input.LISTED_AS, [allow := kit.option("Allow", ALLOW)], initial=allow),
    block_id=Input.LISTED_AS,
)
TEXT = kit.labelled("Text", kit.text_input(Input.TEXT, initial="Mail ada@example.org"), block_id=Input.TEXT)
BOX = kit.option("Ada Lovelace", f"{EntityType.PERSON}|Ada Lovelace")
TICKED = kit.labelled(
    "Name",
    {**kit.checkboxes(Input.TERMS, [BOX]), "initial_options": [BOX]},
    block_id=f"{Input.TERMS}:{EntityType.PERSON}",
    optional=True,
)


def _turn(state: str) -> Value:
    return lambda world, user: world.turn_of(user, state)


def _room(_world: World, _user: str) -> str:
    return ROOM


def _proposal(world: World, user: str) -> str:
    return world.proposal(user)


def _forgotten(world: World, _user: str, _value: str) -> None:
    world.forget_talk()


def _decided(world: World, _user: str, value: str) -> None:
    world.office.rows("UPDATE turn SET state = 'waking' WHERE id = %s RETURNING 1", value)


def _waits(world: World, _user: str, value: str) -> None:
    world.office.rows("UPDATE turn SET state = 'waking' WHERE id = %s RETURNING 1", value)


def _settled(world: World, _user: str, value: str) -> None:
    world.office.rows(
        "UPDATE term_proposal SET decided_by_team = 'T0ACME', decided_by_user = 'U0ADAM', decided_at = asked_at, "
        "is_approved = true "
        "WHERE id = %s RETURNING 1",
        value,
    )


def _in_email(change: Json | None) -> Forgery:
    """Another choice for e-mail addresses."""

    def forge(payload: Json) -> None:
        payload["view"]["state"]["values"][EMAIL][Input.DISPOSITION]["selected_option"] = change

    return forge


WRONG_CHOICES: dict[str, Forgery] = {
    f"email {how}": _in_email(wrong)
    for how, wrong in {
        "none": None,
        "rubbish": kit.option("x", "kumquat"),
        "of nul": {"value": "block\x00"},
        "a number": {"value": 5},
    }.items()
}


def _ticked(box: Json | None) -> Forgery:
    """Another box."""

    def forge(payload: Json) -> None:
        payload["view"]["state"]["values"][f"{Input.TERMS}:{EntityType.PERSON}"][Input.TERMS]["selected_options"] = [
            box
        ]

    return forge


WRONG_BOXES: dict[str, Forgery] = {
    f"a box {how}": _ticked(kit.option("x", value))
    for how, value in {
        "of another type": "EMAIL|Ada Lovelace",
        "of nothing": "PERSON|",
        "rubbish": "kumquat",
        "huge": "PERSON|" + "x" * 9000,
        "of nul": "PERSON|Ada\x00",
    }.items()
}
DECIDED: dict[str, Gone] = {"forgotten": _forgotten, "decided": _decided}
FORGOTTEN: dict[str, Gone] = {"forgotten": _forgotten}

REDACTION_ROWS: list[Row] = [
    press(Action.WARNING_REDACTED, READERS, Place.PRIVATE, value=_turn("warned"),
          audit=("redaction.warning.redacted",), gone=DECIDED),
    press(Action.WARNING_AS_IS, READERS, Place.PRIVATE, value=_turn("warned"),
          audit=("redaction.warning.as_is",), gone=DECIDED),
    press(Action.WARNING_CANCEL, READERS, Place.PRIVATE, value=_turn("warned"),
          audit=("redaction.warning.cancel",), gone=DECIDED),
    press(Action.WARNING_NOT_PERSONAL, READERS, Place.PRIVATE, value=_turn("warned"), gone=DECIDED),
    press(Action.WARNING_SHOW, READERS, Place.CHANNEL, value=_turn("warned"), gone=DECIDED),
    press(Action.TURN_SEEN, READERS, Place.CHANNEL, value=_turn("done"), gone=FORGOTTEN),
    press(Action.TURN_REVEAL, READERS, Place.CHANNEL, value=_turn("done"), audit=("redaction.answer.reveal",),
          gone=FORGOTTEN),
    press(Action.THREAD_FORGET, READERS, Place.MODAL, value=_turn("done"), audit=("redaction.thread.forget",),
          gone={**FORGOTTEN, "open": _waits}),
    press(Action.REDACTION_CHANNEL, READERS, Place.MODAL, metadata=ROOM),
    press(Action.REDACTION_LISTS, READERS, Place.MODAL, metadata=ROOM),
    press(Action.REDACTION_TRY, READERS, Place.MODAL, metadata=ROOM),
    press(Action.PROPOSAL_APPROVE, ADMINS, Place.CHANNEL, value=_proposal, audit=("redaction.proposal.approve",),
          gone={"settled": _settled}),
    press(Action.PROPOSAL_DENY, ADMINS, Place.CHANNEL, value=_proposal, audit=("redaction.proposal.deny",),
          gone={"settled": _settled}),

    submit(Modal.REDACTION, ADMINS, [STRICTER, DAYS], audit=("redaction.policy.change",), forged=WRONG_CHOICES,
           typed={Input.RETENTION_DAYS: OTHER_DAYS}),
    submit(Modal.REDACTION_CHANNEL, BUILDERS, [STRICTER], value=_room, audit=("redaction.channel.change",),
           forged=WRONG_CHOICES),
    submit(Modal.REDACTION_LISTS, ADMINS, [TERMS, LISTED_AS], audit=("redaction.terms.add",)),
    submit(Modal.REDACTION_TRY, READERS, [TEXT], value=_room),
    submit(Modal.NOT_PERSONAL, READERS, [TICKED], audit=("redaction.term.propose",), forged=WRONG_BOXES),
    command("redaction", READERS),
]  # fmt: skip
