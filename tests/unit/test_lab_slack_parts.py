"""Parts of the lab's Slack that hold for any input."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lab.slack import block_state
from lab.slack.arguments import Arguments
from lab.slack.web_api.paging import page

ids = st.sampled_from(["a", "b", "c"])
inputs = st.builds(
    lambda block_id, action_id, first: {
        "type": "input",
        "block_id": block_id,
        "element": {"type": "plain_text_input", "action_id": action_id, "initial_value": first},
    },
    ids,
    ids,
    st.text(max_size=3),
)
views = st.lists(inputs, max_size=3, unique_by=lambda block: block["block_id"])


class TestPaging:
    @given(items=st.lists(st.integers(), max_size=50), limit=st.integers(min_value=1, max_value=60))
    def test_pages_hold_each_item_once_and_in_order(self, items: list[int], limit: int) -> None:
        seen: list[int] = []
        cursor = ""
        for _ in range(len(items) + 1):
            found, metadata = page(items, Arguments({"limit": limit, "cursor": cursor}), default=10)
            seen += found
            cursor = metadata["next_cursor"]
            if not cursor:
                break
        assert seen == items


class TestBlockState:
    @given(before=views, after=views, typed=st.text(max_size=3))
    def test_what_was_typed_survives_exactly_where_both_ids_stay(
        self, before: list[dict[str, Any]], after: list[dict[str, Any]], typed: str
    ) -> None:
        state = block_state.read(before)
        for actions in state.values():
            for value in actions.values():
                value["value"] = typed
        carried = block_state.read(after, state)
        kept = {(block["block_id"], block["element"]["action_id"]) for block in before}
        for block in after:
            here = (block["block_id"], block["element"]["action_id"])
            expected = typed if here in kept else block["element"]["initial_value"]
            assert carried[here[0]][here[1]]["value"] == expected
        assert carried.keys() == {block["block_id"] for block in after}
