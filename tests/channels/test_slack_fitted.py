"""What Slack takes in one message is chosen in time linear to what there is."""

import json

from slack_sdk.models.blocks import ActionsBlock, ButtonElement, MarkdownTextObject, SectionBlock

from console.channels import slack_blocks
from console.channels.slack_blocks import MOST_BLOCKS, MOST_CHARACTERS, fitted


def section(fields: int, length: int = 100) -> SectionBlock:
    return SectionBlock(fields=[MarkdownTextObject(text="x" * length) for _ in range(fields)])


BUTTONS = ActionsBlock(elements=[ButtonElement(text="Resolve", action_id="resolve", value="1")])


def test_facts_at_the_end_give_way_to_buttons():
    blocks = [section(10, 1_000), section(3, 100), BUTTONS]
    first, *rest = fitted(blocks)
    assert isinstance(first, SectionBlock)
    assert rest == [BUTTONS]
    assert len(first.fields or ()) == 9
    assert len(json.dumps([block.to_dict() for block in (first, *rest)])) <= MOST_CHARACTERS


def test_blocks_beyond_the_most_are_left_out_whole():
    kept = fitted([*(section(2, 10) for _ in range(MOST_BLOCKS + 5)), BUTTONS])
    assert len(kept) == MOST_BLOCKS
    assert kept[-1] is BUTTONS
    assert all(len(block.fields or ()) == 2 for block in kept if isinstance(block, SectionBlock))


def test_what_fits_stays_as_it_is():
    blocks = [section(3), BUTTONS]
    assert fitted(blocks) == blocks


def test_each_block_is_written_down_as_often_as_it_loses_fields(monkeypatch):
    size, written = slack_blocks._size, []

    def counted(block):
        written.append(block)
        return size(block)

    monkeypatch.setattr(slack_blocks, "_size", counted)
    fitted([section(10, 200) for _ in range(1_000)])
    assert len(written) <= 1_000 * 3
