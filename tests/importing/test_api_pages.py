"""Executions at an n8n's API: what each kind of import asks for, and what moves between two of its pages."""

import pytest

from app.importing.n8n import api_client, public_api, unlisted_executions
from app.importing.n8n.open_source import Access
from app.importing.n8n.source import SourceError
from tests.importing.api import ADDRESS, WORKFLOW, PagedApi

KEY = Access(api_key="a key")


@pytest.fixture
def api(monkeypatch) -> PagedApi:
    made = PagedApi(monkeypatch)
    for number in range(1, 71):
        made.add(number)
    return made


def stored(target) -> list[int]:
    return [row[0] for row in target.execute("SELECT id FROM executions ORDER BY id")]


def test_a_dry_run_asks_for_no_data_and_counts_up_to_a_bound(bring, target, api, monkeypatch):
    assert bring(ADDRESS, access=KEY, dry_run=True).counts["executions"] == {"at the source": 70}
    assert (api.calls["ids"], api.calls["data"], api.calls["one"]) == (1, 0, 0)
    monkeypatch.setattr(public_api, "PAGE_OF_IDS", 10)
    monkeypatch.setattr(public_api, "MOST_COUNTED", 30)
    report = bring(ADDRESS, access=KEY, dry_run=True)
    assert report.counts["executions"] == {"at the source": 30}
    assert "The newest 30 executions were counted; there may be more." in report.notes[0]
    assert "the newest has the number 70" in report.notes[0]
    assert api.calls["ids"] == 1 + 3


def test_a_rehearsal_asks_for_the_newest_of_a_workflow_only(bring, api):
    report = bring(ADDRESS, access=KEY, rehearse=25)
    assert report.rehearsed[0].id == WORKFLOW["id"]
    assert (api.calls["ids"], api.calls["data"], api.calls["one"]) == (2, 2, 0)


def test_what_an_import_has_read_stays_when_it_is_cut_short(bring, target, api):
    api.is_away_at = 3
    with pytest.raises(SourceError, match="does not answer"):
        bring(ADDRESS, access=KEY)
    assert stored(target) == [*range(1, 31)]  # the oldest page holds ten
    api.is_away_at = None
    api.calls.clear()
    api.add(71)
    assert bring(ADDRESS, access=KEY).counts["executions"] == {"created": 41}
    assert stored(target) == [*range(1, 72)]
    assert (api.calls["data"], api.calls["one"]) == (3, 0)


def test_what_moves_between_its_pages_comes_once(bring, target, api, monkeypatch):
    """After the list was read others come, end and are deleted; then the pages hold others."""
    for number in (20, 40):
        api.add(number, status="running", stoppedAt=None)
    read, later = api.answer, []

    def answer(path, query):
        if query.get("includeData") == "true" and not later:
            later.append(True)
            for number in range(71, 100):
                api.add(number)
            for number in (20, 40):
                api.add(number)
            for number in (3, 30, 31, 60):
                del api.executions[number]
        return read(path, query)

    monkeypatch.setattr(api, "answer", answer)
    report = bring(ADDRESS, access=KEY)
    gone = {3, 30, 31, 60}
    assert stored(target) == [number for number in range(1, 71) if number not in {20, 40, *gone}]
    assert report.losses == {}
    bring(ADDRESS, access=KEY)
    assert stored(target) == [number for number in range(1, 100) if number not in gone]


def test_a_page_that_the_api_cannot_give_is_asked_for_one_by_one(bring, target, api):
    api.fails_at = {35}
    report = bring(ADDRESS, access=KEY)
    assert stored(target) == [*range(1, 71)]
    assert [ids for reason, ids in report.losses.items() if "answers 500" in reason] == [[35]]


def test_executions_of_a_page_whose_cursor_has_expired_are_asked_for_one_by_one(bring, target, api):
    read = api.answer
    api.answer = lambda path, query: (
        400 if query.get("includeData") == "true" and query.get("cursor") == "31" else read(path, query)
    )
    assert bring(ADDRESS, access=KEY).counts["executions"] == {"created": 70}
    assert stored(target) == [*range(1, 71)]
    assert api.calls["one"] == 20


def test_a_page_without_end_is_not_written_to_disk(bring, target, api, monkeypatch):
    monkeypatch.setattr(api_client, "MAX_FILE_BYTES", 500)
    with pytest.raises(SourceError, match="/executions with more than 500 bytes"):
        bring(ADDRESS, access=KEY)
    assert stored(target) == []


def test_what_an_older_api_does_not_list_is_asked_for_by_its_number(bring, target, api, monkeypatch):
    api.is_old = True
    for number, status in ((3, "waiting"), (40, "canceled"), (41, "crashed"), (72, "waiting"), (75, "running")):
        api.add(number, status=status)
    report = bring(ADDRESS, access=KEY)
    assert stored(target) == [*range(1, 71), 72]
    assert "canceled: 5 were found by their numbers." in " ".join(report.notes)
    api.calls.clear()
    api.add(75)
    assert bring(ADDRESS, access=KEY).counts["executions"] == {"created": 1, "here already": 2}
    assert api.calls["one"] < 30
    monkeypatch.setattr(unlisted_executions, "MOST_LOOKED_FOR", 1)
    api.add(80)
    assert "by the newest 1 numbers that are missing" in " ".join(bring(ADDRESS, access=KEY).notes)
