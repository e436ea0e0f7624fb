"""`/prime users`: who holds which role, and changing it."""

from bot.grammar import parse_users
from bot.listeners.call import Call, answer
from bot.mrkdwn import code
from bot.views.kit import section
from bot.views.moments import until
from bot.views.users import build_one_user, build_users
from core.access.model import Role
from core.access.permissions import Permission
from core.people.model import PersonId


async def handle_users(call: Call) -> None:
    principal = await call.actor.may(Permission.MANAGE_USERS)
    asked = parse_users(call.arguments)
    if asked.user is None:
        page = await call.services.access.users(principal)
        await answer(call.ack, ("People with a role", build_users(page, is_first=True)))
        return
    person = PersonId(principal.person.team, asked.user)
    if asked.role is None:
        holder = await call.services.access.holder_of(principal, person)
        await answer(call.ack, ("Their role", build_one_user(holder)))
        return
    grant = await call.services.access.grant(principal, person, asked.role, duration=asked.duration)
    holder = await call.services.access.holder_of(principal, person)
    if grant is None:
        said = f"<@{asked.user}> holds no grant any more."
    else:
        said = f"<@{asked.user}> now has *{grant.role}* {until(grant.until)}, and was told so."
    if holder.role is not asked.role:
        said += f" By a mapping or configuration they are still {code(str(holder.role))}."
    await answer(call.ack, (f"The role was {'removed' if asked.role is Role.NONE else 'changed'}.", [section(said)]))
