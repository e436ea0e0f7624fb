"""What people see of redaction, and what is read from its forms."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ids import Action, Input
from bot.listeners.actions.privacy import FORGOTTEN
from bot.redaction_form import channel_in, dispositions_of, files_of, listed_as, proposed_in
from bot.views.answer import build_answered
from bot.views.kit import Block, verbatim
from bot.views.redaction import (
    ALLOW,
    build_channel_modal,
    build_lists_modal,
    build_policy_modal,
    build_trial,
    build_try_modal,
    describe_policy,
)
from bot.views.seen import TEXT_SHOWN, build_forget_button, build_forgotten_modal, build_revealed, build_seen_modal
from bot.views.warning import (
    build_decided,
    build_looking_modal,
    build_not_personal_modal,
    build_proposal,
    build_proposed_modal,
    build_warned,
    build_warning,
    describe_proposal_outcome,
)
from core.errors import InvalidInputError, NotFoundError
from core.people.model import PersonId
from core.redaction.model import LABELS, Disposition, EntityType, Seen
from core.redaction.policy import ChannelPolicy, default_policy, effective
from core.redaction.ports import Proposal
from core.talk.privacy import Choice
from lab.slack.blocks import validate_message_blocks, validate_view
from lab.slack.screen import words
from tests.servers import NOW
from tests.unit.test_answer_views import DONE, TURN

WORDS = st.text(min_size=1, max_size=300).filter(str.strip)
FOUND = st.dictionaries(st.sampled_from(EntityType), st.lists(WORDS, min_size=1, max_size=30), min_size=1)
ADA, ADAM = PersonId("T0ACME", "U0ADA"), PersonId("T0ACME", "U0ADAM")
OPEN = Proposal(id=3, term="Acme <Rocket> & Co", type=EntityType.PERSON, asker=ADA, asked_at=NOW)
DECIDED = replace(OPEN, term="", decided_by=ADAM, is_approved=True)
LAXER = ChannelPolicy(changes={EntityType.EMAIL: Disposition.PASSTHROUGH}, is_signed=True)


def checked(view: dict[str, Any]) -> dict[str, Any]:
    assert validate_view(view) == []
    return view


def submitted(view: dict[str, Any], **changed: object) -> dict[str, Any]:
    """As Slack sends what the form shows; `changed` by block_id."""
    values = {
        block["block_id"]: {
            block["element"]["action_id"]: {
                "selected_option": block["element"].get("initial_option"),
                "value": block["element"].get("initial_value"),
                "selected_options": block["element"].get("options", []),
            }
        }
        for block in view["blocks"]
        if block["type"] == "input"
    }
    for block_id, value in changed.items():
        [element] = values[block_id].values()
        element["selected_option"] = {"value": value}
    return {"state": {"values": values}}


def pressed(blocks: list[Block]) -> list[str]:
    """The labels of what can be pressed."""
    return [one["text"]["text"] for block in blocks if block["type"] == "actions" for one in block["elements"]]


def labels(view: dict[str, Any]) -> list[str]:
    return [block["label"]["text"] for block in view["blocks"] if block["type"] == "input"]


class TestPolicy:
    def test_shows_a_select_for_each_type_to_an_admin(self) -> None:
        view = checked(build_policy_modal(default_policy(), retention_days=90, can_edit=True, channel="C1"))
        assert labels(view)[:-1] == list(LABELS.values())
        for block in view["blocks"]:
            if block.get("element", {}).get("type") == "static_select":
                options = [one["text"]["text"] for one in block["element"]["options"]]
                assert options == ["Passthrough", "Warn", "Redact", "Block"]

    def test_what_is_shown_and_not_touched_is_the_same_policy(self) -> None:
        view = build_policy_modal(default_policy(), retention_days=90, can_edit=True, channel="C1")
        assert dispositions_of(submitted(view)) == default_policy().dispositions

    def test_is_text_for_who_may_not_change_it(self) -> None:
        view = checked(build_policy_modal(default_policy(), retention_days=90, can_edit=False, channel="C1"))
        assert labels(view) == []
        assert "submit" not in view
        assert "*Email:* Redact" in words(view)
        assert "90 days" in words(view)

    def test_fits_in_a_line(self) -> None:
        told = describe_policy(default_policy())
        assert "blocks password or key" in told
        assert "\n" not in told
        off = default_policy().changed(dict.fromkeys(EntityType, Disposition.PASSTHROUGH))
        assert "off" in describe_policy(off)

    @pytest.mark.parametrize(
        "changed",
        [{"disposition:EMAIL": "open"}, {"disposition:EMAIL": "REDACT"}, {"disposition:EMAIL": None}],
    )
    def test_what_is_no_disposition_is_refused(self, changed: dict[str, Any]) -> None:
        view = build_policy_modal(default_policy(), retention_days=90, can_edit=True, channel="C1")
        with pytest.raises(InvalidInputError):
            dispositions_of(submitted(view, **changed))

    def test_what_is_no_type_is_refused(self) -> None:
        values = {"disposition:KUMQUAT": {"disposition": {"selected_option": {"value": "redact"}}}}
        with pytest.raises(InvalidInputError):
            dispositions_of({"state": {"values": values}})


class TestChannel:
    def test_read_write_is_offered_what_is_stricter_alone(self) -> None:
        view = checked(build_channel_modal(default_policy(), None, channel="C1", can_tighten=True, can_sign=False))
        offered = {
            block["label"]["text"]: [one["value"] for one in block["element"]["options"]]
            for block in view["blocks"]
            if block["type"] == "input"
        }
        assert offered["Email"] == ["inherited", "block"]
        assert offered["Location"] == ["inherited", "warn", "redact", "block"]
        assert offered["Password or key"] == ["inherited"]
        assert Input.SIGNED not in offered

    def test_an_admin_signs_what_is_laxer(self) -> None:
        view = checked(build_channel_modal(default_policy(), LAXER, channel="C1", can_tighten=True, can_sign=True))
        assert labels(view)[-1] == "Laxer than elsewhere"
        assert view["blocks"][-1]["element"]["initial_options"]
        assert dispositions_of(submitted(view)) == LAXER.changes

    def test_what_an_admin_signed_stays_when_read_write_touches_nothing(self) -> None:
        view = checked(build_channel_modal(default_policy(), LAXER, channel="C1", can_tighten=True, can_sign=False))
        assert dispositions_of(submitted(view)) == LAXER.changes

    def test_what_is_nowhere_different_is_nothing(self) -> None:
        view = build_channel_modal(default_policy(), None, channel="C1", can_tighten=True, can_sign=True)
        assert dispositions_of(submitted(view)) == {}

    def test_readers_see_what_holds_there(self) -> None:
        view = checked(build_channel_modal(default_policy(), LAXER, channel="C1", can_tighten=False, can_sign=False))
        assert effective(default_policy(), LAXER).of(EntityType.EMAIL) is Disposition.PASSTHROUGH
        assert "*Email:* Passthrough" in words(view)
        assert labels(view) == []

    @pytest.mark.parametrize("text", ["C0GENERAL", "G1", "D0APP"])
    def test_is_known_by_its_id(self, text: str) -> None:
        assert channel_in(text) == text

    @pytest.mark.parametrize("text", ["", "U0ADA", "c0general", "C1\x00", "C1\n", "C" + "1" * 31, None, 5, ["C1"]])
    def test_what_is_no_id_is_refused(self, text: object) -> None:
        with pytest.raises(NotFoundError):
            channel_in(text)


class TestLists:
    def test_show_counts_and_no_form_to_readers(self) -> None:
        view = checked(build_lists_modal({EntityType.TERM: 1200, None: 3}, can_edit=False))
        assert "1,200 replaced" in words(view)
        assert "Allowed: 3" in words(view)
        assert labels(view) == []

    def test_take_terms_or_a_file_from_admins(self) -> None:
        view = checked(build_lists_modal({}, can_edit=True, drawing="1", note="done"))
        assert labels(view) == ["Terms", "Or a text file", "What to do with them"]
        assert "nothing on the lists" in words(view)

    def test_terms_are_listed_as_a_type_or_allowed(self) -> None:
        assert listed_as(EntityType.TERM) is EntityType.TERM
        assert listed_as(ALLOW) is None
        with pytest.raises(InvalidInputError):
            listed_as("kumquat")

    def test_files_are_found_however_often_the_form_was_drawn(self) -> None:
        values = {"file:17.3": {"file": {"type": "file_input", "files": [{"id": "F1"}]}}}
        assert files_of({"state": {"values": values}}) == [{"id": "F1"}]
        assert files_of({}) == []


class TestTrial:
    def test_shows_what_would_be_found_and_sent(self) -> None:
        found = [(EntityType.EMAIL, "a@b.c", Disposition.REDACT), (EntityType.PERSON, "Ann Lee", Disposition.WARN)]
        blocks = build_trial(found, risk=50, sent="[EMAIL_1] of [PERSON_1]", blocked=[])
        view = checked(build_try_modal(channel="C1", result=blocks))
        for part in ("risk 50 of 100", "Email: `a@b.c` → Redact", "asked first", "[EMAIL_1] of [PERSON_1]"):
            assert part in words(view)

    def test_shows_no_text_that_would_not_be_sent(self) -> None:
        found = [(EntityType.SECRET, "hunter2!", Disposition.BLOCK)]
        blocks = build_trial(found, risk=100, sent="x [SECRET_1]", blocked=[EntityType.SECRET])
        assert "Nothing would be sent, because of: password or key" in words(blocks)
        assert "[SECRET_1]" not in words(blocks)

    def test_fits_whatever_is_found(self) -> None:
        found = [(EntityType.PERSON, "&" * 3000, Disposition.REDACT)] * 100
        checked(build_try_modal(channel="C1", result=build_trial(found, risk=1, sent="<" * 9000, blocked=[])))


class TestWarning:
    @given(FOUND)
    def test_fits_into_a_message_whatever_was_found(self, found: dict[EntityType, list[str]]) -> None:
        _, blocks = build_warning(7, found, 50)
        assert validate_message_blocks(blocks) == []

    @given(FOUND)
    def test_what_was_found_mentions_nobody(self, found: dict[EntityType, list[str]]) -> None:
        text, blocks = build_warning(7, {kind: [*values, "<!channel>"] for kind, values in found.items()}, 50)
        assert "<!" not in text + words(blocks)

    def test_has_the_choices(self) -> None:
        _, blocks = build_warning(7, {EntityType.EMAIL: ["a@b.c"]}, 50)
        assert pressed(blocks) == ["Send redacted", "Send as is", "Not personal...", "Cancel"]
        assert "*Email:* `a@b.c`" in words(blocks)
        assert "50 of 100" in words(blocks)

    def test_everybody_else_reads_neither_type_nor_value(self) -> None:
        text, blocks = build_warned(7, "U0ADA")
        assert pressed(blocks) == ["Show me", "Stop"]
        assert "email" not in (text + words(blocks)).lower()
        assert {block["type"] for block in blocks} == {"context", "actions"}, "Prime's own words alone"

    @pytest.mark.parametrize("choice", Choice)
    def test_nothing_is_left_to_press_once_it_is_decided(self, choice: Choice) -> None:
        _, blocks = build_decided(choice)
        assert validate_message_blocks(blocks) == []
        assert pressed(blocks) == []


class TestNotPersonal:
    @given(FOUND)
    def test_what_is_ticked_is_proposed(self, found: dict[EntityType, list[str]]) -> None:
        view = checked(build_not_personal_modal(found))
        known = {(kind, " ".join(one.split())) for kind, values in found.items() for one in values}
        offered = {(kind, one) for kind, one in known if len(one) <= 100 and one.isprintable()}
        if "submit" not in view:
            assert not offered
        else:
            assert set(proposed_in(submitted(view))) <= offered

    def test_nothing_ticked_is_refused(self) -> None:
        view = submitted(build_not_personal_modal({EntityType.EMAIL: ["a@b.c"]}))
        view["state"]["values"]["terms:EMAIL"]["terms"]["selected_options"] = []
        with pytest.raises(InvalidInputError):
            proposed_in(view)

    @pytest.mark.parametrize(
        "value", ["PERSON|a@b.c", "EMAIL|", "EMAIL| ", "EMAIL", "EMAIL|a\x00", "EMAIL|" + "a" * 101]
    )
    def test_what_was_not_offered_is_refused(self, value: str) -> None:
        view = submitted(build_not_personal_modal({EntityType.EMAIL: ["a@b.c"]}))
        view["state"]["values"]["terms:EMAIL"]["terms"]["selected_options"] = [{"value": value}]
        with pytest.raises(InvalidInputError):
            proposed_in(view)

    def test_the_term_is_gone_once_it_is_decided(self) -> None:
        text, blocks = build_proposal(OPEN)
        assert pressed(blocks) == ["Approve", "Deny"]
        assert "Acme &lt;Rocket&gt; &amp; Co" in words(blocks)
        assert "Acme" not in text, "it stays in no notification"
        for decided, verb in ((DECIDED, "approved"), (replace(DECIDED, is_approved=False), "denied")):
            text, blocks = build_proposal(decided)
            assert validate_message_blocks(blocks) == []
            assert pressed(blocks) == []
            assert f"{verb} by <@U0ADAM>" in words(blocks)
            assert f"{verb} by <@U0ADAM>" in describe_proposal_outcome(decided)

    @pytest.mark.parametrize("view", [build_looking_modal(), build_proposed_modal(1), build_proposed_modal(3)])
    def test_words_alone_have_nothing_to_submit(self, view: dict[str, Any]) -> None:
        assert "submit" not in checked(view)


class TestSeen:
    @given(st.text(max_size=4000), st.lists(st.tuples(st.just("[EMAIL_1]"), WORDS), max_size=300))
    def test_fits_whatever_was_said(self, prompt: str, values: list[tuple[str, str]]) -> None:
        view = checked(build_seen_modal(Seen(prompt=prompt, risk=50, values=values)))
        assert "".join(_preformatted(view["blocks"])) == prompt

    def test_a_long_prompt_is_cut(self) -> None:
        view = checked(build_seen_modal(Seen(prompt="a" * (TEXT_SHOWN + 1234), risk=0, values=[])))
        assert "and 1,234 characters more" in words(view)
        assert "Nothing in it was replaced" in words(view)

    def test_shows_what_stood_for_what(self) -> None:
        view = checked(build_seen_modal(Seen(prompt="Mail [EMAIL_1]", risk=50, values=[("[EMAIL_1]", "a@b.c")])))
        assert "`[EMAIL_1]` → `a@b.c`" in words(view)
        assert "*Risk:* 50 of 100" in words(view)

    @given(st.text(max_size=7000))
    def test_verbatim_is_to_the_letter(self, text: str) -> None:
        assert "".join(_preformatted(verbatim(text))) == text


class TestFooter:
    ASKED = replace(TURN, prompt="Mail [EMAIL_1]", is_redacted=True, answer="To [EMAIL_1].")

    def test_offers_what_the_model_saw_once_something_was_sent(self) -> None:
        assert "What the model saw" in pressed(build_answered(self.ASKED, DONE, "x", is_empty=False))
        assert "What the model saw" not in pressed(build_answered(TURN, DONE, "x", is_empty=False))

    def test_offers_to_reveal_where_values_are_hidden(self) -> None:
        masked = replace(DONE, is_masked=True)
        assert "Reveal to me" in pressed(build_answered(self.ASKED, masked, "x", is_empty=False))
        assert "Reveal to me" not in pressed(build_answered(self.ASKED, DONE, "x", is_empty=False))
        plain = replace(self.ASKED, answer="To nobody.")
        assert "Reveal to me" not in pressed(build_answered(plain, masked, "x", is_empty=False))

    def test_what_is_revealed_mentions_nobody(self) -> None:
        [(text, blocks)] = build_revealed(["Hello <!channel>, **Ann**"], is_cut=True)
        assert validate_message_blocks(blocks) == []
        assert "<!channel>" not in text + words(blocks)
        assert "too long" in words(blocks)

    def test_what_was_forgotten_cannot_be_revealed(self) -> None:
        [(_, blocks)] = build_revealed([""], is_cut=False)
        assert validate_message_blocks(blocks) == []
        assert "Nothing is kept" in words(blocks)

    def test_forgetting_asks_first_and_says_what_is_lost(self) -> None:
        element = build_forget_button("7")
        assert element["action_id"] == Action.THREAD_FORGET
        assert "Nobody can bring it back" in element["confirm"]["text"]["text"]
        assert validate_message_blocks([{"type": "actions", "elements": [element]}]) == []
        checked(build_forgotten_modal())
        assert "forgotten" in FORGOTTEN


def _preformatted(blocks: list[Block]) -> list[str]:
    return [
        leaf["text"]
        for block in blocks
        if block["type"] == "rich_text"
        for part in block["elements"]
        for leaf in part["elements"]
    ]
