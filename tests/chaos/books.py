"""What the lab saw, compared with what people did and with what Prime promises (design.md, 1). Prime's own tables are
asked for outcomes and for the audit log alone."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.slack.people import APP_USER_ID
from tests.chaos.workload import Notes, Prompt
from tests.chaos.world import World
from tests.prime import start_process

CALM_SECONDS = 75.0
"""After the last strike: a lease, and the minute within which a half-said answer is closed."""
_OPEN_INBOX = "SELECT 1 FROM inbox WHERE state IN ('waiting', 'claimed')"
_OPEN_TURNS = "SELECT 1 FROM turn WHERE state IN ('new', 'waiting', 'running', 'waking')"


@dataclass(slots=True)
class Report:
    counts: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        return "\n".join([counts, *(f"  wrong: {one}" for one in self.faults)])


def is_settled(world: World) -> bool:
    world.note_engines()
    return not world.rows(f"{_OPEN_INBOX} LIMIT 1") and not world.rows(f"{_OPEN_TURNS} LIMIT 1")


async def audit_verifies(world: World) -> bool:
    verifying = await start_process("audit", "verify", env=world.settings, cwd=world.folder)
    await verifying.communicate()
    return verifying.returncode == 0


def check(world: World, notes: Notes) -> Report:
    report = Report()
    messages = _primes_messages(world)
    report.faults += _talk(world, notes, messages, report.counts)
    report.faults += _engines(world, notes, report.counts)
    report.faults += _cloud(world, report.counts)
    report.faults += _changes(world, report.counts)
    return report


# --- talk


def _talk(world: World, notes: Notes, messages: Sequence[Mapping[str, Any]], counts: Counter[str]) -> Iterator[str]:
    accepted = _accepted(world)
    answers: dict[str, dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for message in messages:
        key = ((message.get("metadata") or {}).get("event_payload") or {}).get("key", "")
        if key.startswith("turn/"):
            answers[message.get("thread_ts", "")]["/".join(key.split("/")[:2])].append(message)
    asked = Counter(prompt.thread_ts for prompt in notes.prompts)
    by_thread: dict[str, list[Prompt]] = defaultdict(list)
    for prompt in notes.prompts:
        # What is said below a mention that Slack never delivered is no business of Prime's.
        if {prompt.ts, prompt.thread_ts} <= accepted:
            by_thread[prompt.thread_ts].append(prompt)
    counts["prompts"] = len(notes.prompts)
    counts["accepted"] = sum(map(len, by_thread.values()))
    for thread, prompts in by_thread.items():
        turns = answers.get(thread, {})
        counts["answers"] += len(turns)
        refused = _refusals(world, thread, prompts)
        # More may be answered than Slack knows to be delivered: acknowledgements get lost, and gaps are read again.
        if len(turns) > asked[thread]:
            yield f"thread {thread}: {len(turns)} answers to {asked[thread]} prompts"
        if len(turns) + refused < len(prompts):
            yield f"thread {thread}: {len(prompts)} prompts, {len(turns)} answers, {refused} refusals"
    for message in (one for turns in answers.values() for parts in turns.values() for one in parts):
        said = json.dumps(message.get("blocks") or [])
        if '"Stop"' in said or "is thinking" in said:
            yield f"message {message['ts']} still says that an answer is under way"


def _refusals(world: World, thread: str, prompts: Sequence[Prompt]) -> int:
    """Private sentences to those who asked there: no outcome is silence."""
    users = {prompt.user for prompt in prompts}
    return sum(
        call.error is None
        and call.arguments.get("user") in users
        and (call.arguments.get("thread_ts") in (thread, None))
        for call in world.lab.record.called("chat.postEphemeral")
    )


def _accepted(world: World) -> set[str]:
    """The ts of what Slack got an acknowledgement for: the rest it never delivered. Of a mention the `app_mention`
    counts, not its copy as a message."""
    acked: dict[str, set[str]] = defaultdict(set)
    mentions = set[str]()
    for one in world.lab.record.deliveries:
        event = one.payload.get("event", {})
        if one.kind == "events_api":
            ts, kind = str(event.get("ts", "")), str(event.get("type", ""))
            mentions |= {ts} if kind == "app_mention" else set()
            acked[ts] |= {kind} if one.acked_at is not None else set()
    return {ts for ts, kinds in acked.items() if kinds and (ts not in mentions or "app_mention" in kinds)}


def _primes_messages(world: World) -> list[Mapping[str, Any]]:
    channels = world.lab.workspace.channels.values()
    return [one for channel in channels for one in channel.messages.values() if one.get("user") == APP_USER_ID]


# --- engines, cloud, changes


def _engines(world: World, notes: Notes, counts: Counter[str]) -> Iterator[str]:
    canaries = {prompt.canary for prompt in notes.prompts}
    for engine in world.engines.values():
        for request in engine.requests:
            counts["engine requests"] += 1
            body = json.dumps(request.body, ensure_ascii=False)
            if any(one in body for one in canaries) or "chaos-canary" in body:
                yield f"an engine got an address in clear: {request.path}"


def _cloud(world: World, counts: Counter[str]) -> Iterator[str]:
    names = Counter(machine.name for machine in world.cloud._cloud.machines)
    counts["machines"] = sum(names.values())
    yield from (f"{count} machines are called {name}" for name, count in names.items() if count > 1)
    known = {str(name) for (name,) in world.rows("SELECT machine_name FROM server WHERE state <> 'deleted'")}
    paid = {charge.machine_id for charge in world.cloud.costing()}
    costing = {machine.name for machine in world.cloud._cloud.machines if machine.id in paid}
    yield from (f"machine {name} costs money and no server has it" for name in costing - known)


def _changes(world: World, counts: Counter[str]) -> Iterator[str]:
    audited = Counter(str(action) for (action,) in world.rows("SELECT action FROM audit"))
    counts["audit rows"] = sum(audited.values())
    ordered = len({machine.name for machine in world.cloud._cloud.machines})
    if audited["server.create"] < ordered:
        yield f"{ordered} machines were ordered, {audited['server.create']} creations audited"
    [(granted,)] = world.rows("SELECT count(*) FROM role_grant WHERE granted_by NOT LIKE 'cli:%'")
    counts["grants"] = int(str(granted))
    approved = sum(count for action, count in audited.items() if action.startswith("access.request.approve"))
    if approved != granted:
        yield f"{granted} grants, {approved} approvals audited"
