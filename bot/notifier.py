"""Which method tells which notice. A notice may come twice (its worker died after sending), so each does nothing that
is seen twice where it can tell."""

from bot.access_news import AccessNews
from bot.chats import Chats
from bot.create_drawing import finish_form
from bot.dispatch import Notifier
from bot.given_keys import answer_key
from bot.homes import Homes
from bot.proposals import Proposals
from bot.replies import SlackReplies
from bot.sender import Sender
from bot.server_cards import ServerCards
from bot.server_news import ServerNews
from bot.spend_requests import SpendRequests
from bot.telling import Payload, Telling
from core.notices import Notice
from core.services import Services


class Notices:
    def __init__(
        self,
        client: Sender,
        services: Services,
        replies: SlackReplies,
        *,
        team: str,
        approval_channel: str | None,
    ) -> None:
        telling = Telling(client, services, approval_channel=approval_channel)
        self.homes = Homes(client, services)
        self.news = ServerNews(client, services, telling)
        self.cards = ServerCards(client, services, self.homes, self.news)
        self._access = AccessNews(telling, services, team=team)
        self._chats = Chats(client, services, replies, telling)
        self._spends = SpendRequests(telling, services)
        self._proposals = Proposals(telling, services)
        self._client = client
        self._services = services
        self._team = team

    def table(self) -> dict[str, Notifier]:
        return {
            Notice.REQUEST_OPENED: self._access.opened,
            Notice.REQUEST_SETTLED: self._access.settled,
            Notice.ROLE_CHANGED: self._access.role_changed,
            Notice.GRANT_ENDING: self._access.grant_ending,
            Notice.NO_ADMIN_LEFT: self._access.no_admin_left,
            Notice.SERVER_CHANGED: self.cards.server_changed,
            Notice.SERVER_NEWS: self.news.tell,
            Notice.MACHINE_UNKNOWN: self.news.machine_unknown,
            Notice.SPEND_REQUEST_OPENED: self._spends.opened,
            Notice.SPEND_REQUEST_SETTLED: self._spends.settled,
            Notice.BUDGET_REACHED: self._spends.budget_reached,
            Notice.COST_DIGEST: self._spends.digest,
            Notice.CREATE_FORM_WAITS: self.create_form_waits,
            Notice.KEY_GIVEN: self.key_given,
            Notice.CHAT_OPENED: self._chats.opened,
            Notice.START_ASKED: self._chats.start_asked,
            Notice.TERM_PROPOSED: self._proposals.opened,
            Notice.TERM_SETTLED: self._proposals.settled,
            Notice.HOME_CHANGED: self.home_changed,
        }

    async def create_form_waits(self, payload: Payload) -> None:
        await finish_form(self._client, self._services, payload)

    async def key_given(self, payload: Payload) -> None:
        await answer_key(self._client, self._services, payload)

    async def home_changed(self, payload: Payload) -> None:
        people = await self._services.home.shown_to(
            payload.get("users", ()), team=self._team, admins=bool(payload.get("admins"))
        )
        await self.homes.write(people)
