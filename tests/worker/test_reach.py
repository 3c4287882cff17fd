"""What an execution can reach costs nothing until it is asked for."""

import asyncio
import json
from typing import Any
from unittest.mock import MagicMock

import pytest

from app.credentials.proofs import Proof
from app.worker.reach import Reach
from app.worker.static_data import StaticStores


class CountingSigner:
    def __init__(self) -> None:
        self.signed: list[str] = []

    def sign(self, text: str) -> str:
        self.signed.append(text)
        return "s1"


def test_addresses_are_signed_once_and_only_where_somebody_asks() -> None:
    signer: Any = CountingSigner()
    settings = MagicMock(webhook_url="https://example.com", files_folder=None)
    stores, other = StaticStores(MagicMock()), MagicMock()
    ways = (settings, signer, other, other, other, stores, other, other, other, other, other)
    assignment = MagicMock(depth=0)
    assignment.claim.id, assignment.claim.mode, assignment.claim.workflow_id = 7, "trigger", "w1"
    ports = Reach(*ways).ports(assignment)
    assert signer.signed == []
    address = "https://example.com/webhook-waiting/7?signature=s1"
    assert [ports.resume_url, ports.resume_url] == [address, address]
    assert ports.waiting_urls() == (address, "https://example.com/form-waiting/7?signature=s1")
    assert signer.signed == ["resume 7"]


@pytest.mark.parametrize(
    ("mode", "awaited", "part", "expected"),
    [
        ("webhook", True, False, True),
        ("webhook", False, False, False),
        ("manual", False, False, True),
        ("integrated", False, True, True),
    ],
)
def test_who_is_waited_for_is_known_to_all_of_its_parts(mode: str, awaited: bool, part: bool, expected: bool) -> None:
    other = MagicMock()
    settings = MagicMock(webhook_url="https://example.com", files_folder=None)
    ways = (settings, other, other, other, other, StaticStores(other), other, other, other, other, other)
    assignment = MagicMock(depth=0, awaited=part)
    assignment.claim.mode, assignment.claim.awaited = mode, awaited
    assert Reach(*ways).ports(assignment).awaited is expected


def test_what_is_recorded_of_a_text_is_masked_and_can_be_stored() -> None:
    other = MagicMock()
    settings = MagicMock(webhook_url="https://example.com", files_folder=None)
    ways = (settings, other, other, other, other, StaticStores(other), other, other, other, other, other)
    assignment = MagicMock(depth=0, proof=Proof.of_header("X-Key", 'a "long" one'))
    text = json.dumps({"given": 'a "long" one'}) + "\ud800\x00"
    assert Reach(*ways).ports(assignment).storable(text) == '{"given": "**hidden**"}?'


async def _holds(store: Any, other: Any) -> bool:
    async with store.alone():
        return bool(other._find_lock().locked())


def test_stores_of_one_workflow_keep_each_other_waiting() -> None:
    stores = StaticStores(MagicMock())
    one, same, another = (stores.of_workflow(workflow, bytes) for workflow in ("w1", "w1", "w2"))
    assert asyncio.run(_holds(one, same))
    assert not asyncio.run(_holds(one, another))
