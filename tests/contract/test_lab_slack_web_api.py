"""The Web API as such: how calls come in, who may call, what is seen (checklist of slack-platform.md section 22)."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.people import Group, Person
from lab.slack.server import SlackLab
from tests.slack_apps import Client, refused


class TestHowCallsComeIn:
    async def test_query_form_and_json_mean_the_same(self, lab: SlackLab) -> None:
        bearer = {"Authorization": f"Bearer {lab.bot_token}"}
        asked = {"user": "U0BEA"}
        async with aiohttp.ClientSession(headers=bearer) as session:
            url = f"{lab.api_url}users.info"
            answers = [
                await (await session.get(url, params=asked)).json(),
                await (await session.post(url, data=asked)).json(),
                await (await session.post(url, json=asked)).json(),
                await (await session.post(url, params=asked)).json(),
            ]
        assert [answer["user"]["id"] for answer in answers] == ["U0BEA"] * 4

    async def test_token_is_taken_from_form_and_query_but_not_from_json(self, lab: SlackLab) -> None:
        token = {"token": lab.bot_token}
        url = f"{lab.api_url}auth.test"
        async with aiohttp.ClientSession() as session:
            assert (await (await session.post(url, data=token)).json())["ok"]
            assert (await (await session.get(url, params=token)).json())["ok"]
            answer = await (await session.post(url, json=token)).json()
        assert answer == {"ok": False, "error": "not_authed"}

    async def test_structures_may_be_json_text_in_a_form(self, lab: SlackLab, client: Client) -> None:
        data = {"channel": "C0GENERAL", "text": "a", "blocks": '[{"type": "divider"}]'}
        answer = await client.api_call("chat.postMessage", data=data)
        assert answer["message"]["blocks"][0]["type"] == "divider"

    async def test_flags_of_a_form_are_words(self, client: Client) -> None:
        assert "users" in (await client.usergroups_list(include_users=True))["usergroups"][0]
        assert "users" not in (await client.usergroups_list(include_users=False))["usergroups"][0]

    async def test_unknown_method_is_refused_with_http_200(self, client: Client) -> None:
        assert await refused(client.api_call("chat.shout")) == "unknown_method"

    @pytest.mark.parametrize("method", ["conversations.list", "users.info", "chat.postMessage", "views.open"])
    async def test_every_method_takes_every_way_in(self, lab: SlackLab, method: str) -> None:
        async with aiohttp.ClientSession() as session:
            url = f"{lab.api_url}{method}"
            for request in (session.get(url), session.post(url), session.post(url, json={})):
                async with request as response:
                    assert response.status == 200
                    assert (await response.json())["error"] == "not_authed"

    async def test_missing_argument_is_named(self, client: Client) -> None:
        with pytest.raises(SlackApiError) as caught:
            await client.api_call("chat.getPermalink", params={"channel": "C0GENERAL"})
        assert caught.value.response["error"] == "invalid_arguments"
        assert "message_ts" in caught.value.response["response_metadata"]["messages"][0]


class TestWhoMayCall:
    async def test_no_token_and_a_wrong_token_differ(self, lab: SlackLab) -> None:
        assert await refused(AsyncWebClient(base_url=lab.api_url).auth_test()) == "not_authed"
        assert await refused(AsyncWebClient(token="xoxb-other", base_url=lab.api_url).auth_test()) == "invalid_auth"

    async def test_socket_mode_is_opened_with_the_app_token_alone(self, lab: SlackLab, client: Client) -> None:
        assert await refused(client.apps_connections_open(app_token=lab.bot_token)) == "not_allowed_token_type"
        url = (await client.apps_connections_open(app_token=lab.app_token))["url"]
        assert url.startswith(lab.url.replace("http", "ws"))
        assert (
            await refused(AsyncWebClient(token=lab.app_token, base_url=lab.api_url).auth_test())
            == "not_allowed_token_type"
        )

    async def test_each_answer_names_the_scopes_held(self, lab: SlackLab, client: Client) -> None:
        answer = await client.chat_postMessage(channel="C0GENERAL", text="hi")
        assert set(answer.headers["x-oauth-scopes"].split(",")) == lab.platform.app.installed_scopes
        assert answer.headers["x-accepted-oauth-scopes"] == "chat:write"

    async def test_a_scope_that_the_manifest_lacks_is_needed(self, client: Client) -> None:
        with pytest.raises(SlackApiError) as caught:
            await client.team_info()
        assert caught.value.response["error"] == "missing_scope"
        assert caught.value.response["needed"] == "team:read"
        assert "chat:write" in caught.value.response["provided"].split(",")

    async def test_scope_of_history_follows_the_kind_of_channel(self, lab: SlackLab, client: Client) -> None:
        lab.platform.app.installed_scopes -= {"groups:history"}
        lab.workspace.join(lab.workspace.channels["C0LEADS"], "U0PRIME")
        assert await refused(client.conversations_history(channel="C0LEADS")) == "missing_scope"
        assert (await client.conversations_history(channel="C0GENERAL"))["ok"]

    async def test_removed_app_is_refused(self, lab: SlackLab, client: Client) -> None:
        lab.uninstall()
        assert await refused(client.auth_test()) == "account_inactive"


class TestWhatIsSeen:
    async def test_private_channel_of_others_does_not_exist(self, client: Client) -> None:
        for call in (
            client.conversations_info(channel="C0LEADS"),
            client.conversations_history(channel="C0LEADS"),
            client.conversations_members(channel="C0LEADS"),
            client.chat_postMessage(channel="C0LEADS", text="hi"),
        ):
            assert await refused(call) == "channel_not_found"

    async def test_public_channel_is_seen_but_not_read_from_outside(self, client: Client) -> None:
        assert (await client.conversations_info(channel="C0RANDOM"))["channel"]["is_member"] is False
        assert await refused(client.conversations_history(channel="C0RANDOM")) == "not_in_channel"
        assert await refused(client.chat_postMessage(channel="C0RANDOM", text="hi")) == "not_in_channel"

    async def test_joining_opens_a_public_channel(self, client: Client) -> None:
        await client.conversations_join(channel="C0RANDOM")
        assert (await client.chat_postMessage(channel="#random", text="hi"))["channel"] == "C0RANDOM"

    async def test_lists_are_paged_by_cursor(self, client: Client) -> None:
        names: list[str] = []
        pages = 0
        async for page in await client.conversations_list(limit=2, types="public_channel"):
            names += [channel["name"] for channel in page["channels"]]
            pages += 1
        assert pages == 3
        assert names == ["general", "ml-platform", "prime-approvals", "random", "ext-globex"]

    async def test_a_made_up_cursor_is_refused(self, client: Client) -> None:
        assert await refused(client.users_list(cursor="bm9uc2Vuc2U=", limit=5)) == "invalid_cursor"
        assert await refused(client.users_list(cursor="%%%", limit=5)) == "invalid_cursor"

    async def test_large_workspaces_must_be_paged(self, lab: SlackLab, client: Client) -> None:
        lab.workspace.large_from = 5
        assert await refused(client.users_list()) == "limit_required"
        members = (await client.users_list(limit=200))["members"]
        assert {"U0DORA", "USLACKBOT", "U0DEPLOY", "U0PRIME"} <= {member["id"] for member in members}

    async def test_history_is_newest_first_without_replies(self, lab: SlackLab, client: Client) -> None:
        first = await client.chat_postMessage(channel="C0GENERAL", text="first")
        await client.chat_postMessage(channel="C0GENERAL", text="second")
        await client.chat_postMessage(channel="C0GENERAL", text="reply", thread_ts=first["ts"])
        answer = await client.conversations_history(channel="C0GENERAL", limit=1)
        assert [message["text"] for message in answer["messages"]] == ["second"]
        assert answer["has_more"] is True
        older = await client.conversations_history(
            channel="C0GENERAL", cursor=answer["response_metadata"]["next_cursor"]
        )
        assert [(message["text"], message["reply_count"]) for message in older["messages"]] == [("first", 1)]

    async def test_replies_are_the_parent_and_its_replies(self, client: Client) -> None:
        parent = await client.chat_postMessage(channel="C0GENERAL", text="parent")
        await client.chat_postMessage(channel="C0GENERAL", text="reply", thread_ts=parent["ts"])
        answer = await client.conversations_replies(channel="C0GENERAL", ts=parent["ts"])
        assert [message["text"] for message in answer["messages"]] == ["parent", "reply"]
        assert await refused(client.conversations_replies(channel="C0GENERAL", ts="1.000000")) == "thread_not_found"

    async def test_direct_messages_open_once(self, client: Client) -> None:
        first = await client.conversations_open(users="U0BEA")
        second = await client.conversations_open(users="U0BEA", return_im=True)
        assert first["channel"]["id"] == second["channel"]["id"]
        assert second["already_open"] is True
        assert second["channel"]["user"] == "U0BEA"
        assert await refused(client.conversations_open(users="U0DORA")) == "user_disabled"
        assert await refused(client.conversations_open(users="U0DEPLOY")) == "cannot_dm_bot"
        assert await refused(client.conversations_open(users="U0NOBODY")) == "user_not_found"


class TestPeople:
    async def test_flags_of_members_are_all_there(self, client: Client) -> None:
        olivia = (await client.users_info(user="U0OLIVIA"))["user"]
        assert (olivia["is_owner"], olivia["is_admin"], olivia["is_restricted"]) == (True, True, False)
        assert (await client.users_info(user="U0GUS"))["user"]["is_restricted"] is True

    @pytest.mark.parametrize("user", ["U0SAM", "U0DORA"])
    async def test_flags_of_outsiders_and_the_deactivated_are_missing_not_false(
        self, client: Client, user: str
    ) -> None:
        shape = (await client.users_info(user=user))["user"]
        assert not {"is_admin", "is_owner", "is_restricted", "is_ultra_restricted"} & shape.keys()

    async def test_stranger_comes_from_elsewhere(self, lab: SlackLab, client: Client) -> None:
        sam = (await client.users_info(user="U0SAM"))["user"]
        assert sam["team_id"] != "T0ACME"
        assert sam["is_stranger"] is True
        lab.workspace.join(lab.workspace.channels["C0GLOBEX"], "U0PRIME")
        assert "is_stranger" not in (await client.users_info(user="U0SAM"))["user"]

    async def test_slackbot_claims_to_be_no_bot(self, client: Client) -> None:
        assert (await client.users_info(user="USLACKBOT"))["user"]["is_bot"] is False
        assert (await client.users_info(user="U0DEPLOY"))["user"]["is_bot"] is True
        assert (await client.bots_info(bot="B0PRIME"))["bot"]["user_id"] == "U0PRIME"

    async def test_emails_need_their_scope(self, lab: SlackLab, client: Client) -> None:
        assert "email" not in (await client.users_info(user="U0BEA"))["user"]["profile"]
        lab.platform.app.installed_scopes |= {"users:read.email"}
        assert (await client.users_lookupByEmail(email="bea@acme.example"))["user"]["id"] == "U0BEA"

    async def test_user_groups_are_listed_with_their_people(self, lab: SlackLab, client: Client) -> None:
        groups = (await client.usergroups_list(include_users=True))["usergroups"]
        assert {group["handle"]: group["users"] for group in groups} == {
            "ml-builders": ["U0BEA", "U0ADAM"],
            "ml-readers": ["U0RITA"],
        }
        assert (await client.usergroups_users_list(usergroup="S0READERS"))["users"] == ["U0RITA"]
        assert await refused(client.usergroups_users_list(usergroup="S0OTHER")) == "no_such_subteam"

    async def test_disabled_groups_are_hidden(self, lab: SlackLab, client: Client) -> None:
        lab.workspace.add_group(Group(id="S0OLD", handle="old", name="Old", disabled_at=1))
        shown = (await client.usergroups_list())["usergroups"]
        everything = (await client.usergroups_list(include_disabled=True))["usergroups"]
        assert len(everything) == len(shown) + 1

    async def test_people_can_be_added(self, lab: SlackLab, client: Client) -> None:
        lab.workspace.add_person(Person(id="U0NEW", name="new", real_name="Noor New", kind="newcomer"))
        assert (await client.users_info(user="U0NEW"))["user"]["real_name"] == "Noor New"
