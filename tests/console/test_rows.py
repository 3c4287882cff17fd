"""Rows of lists: whatever stands in an execution is text in them."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from app.console.rows import execution_row, last_runs
from app.repository.execution_stats import LastRun
from app.repository.executions import Execution, Tag

EVIL = "<img src=x onerror=alert(1)>\"'&"
AT = datetime(2020, 1, 1, tzinfo=UTC)
FAILED = Execution(
    id=7,
    workflow_id="w",
    workflow_name=EVIL,
    workflow_version_id=UUID(int=1),
    project_id="default",
    status="error",
    mode="manual",
    created_at=AT,
    started_at=AT,
    stopped_at=AT,
    wait_till=None,
    retry_of=5,
    retry_success_id=9,
    error_node=EVIL,
    error_message=f"{EVIL} {'word ' * 100}",
    json_size_bytes=0,
    vote="up",
    note=EVIL,
    tagged=True,
    tags=(Tag(EVIL, EVIL),),
)


def test_a_row_holds_all_that_was_said_as_text():
    row = execution_row(FAILED, {EVIL: EVIL}, (), may_read=True, may_stop=True, may_retry=True)
    assert "<img" not in row
    assert row.count("&lt;img src=x onerror=alert(1)&gt;&#34;&#39;&amp;") == 7
    assert 'tag=%3Cimg+src%3Dx+onerror%3Dalert%281%29%3E%22%27%26"' in row
    assert "retry of #5</a>" in row
    assert "mended by #9</a>" in row
    assert "Voted up" in row
    assert "word...</p>" in row
    assert 'data-api="POST /api/v1/executions/7/retry"' in row


def test_a_long_name_of_a_node_leaves_room_for_what_it_said():
    row = execution_row(replace(FAILED, error_node="Q" * 200), {}, (), may_read=True, may_stop=True, may_retry=True)
    assert "QQQ...</strong> &lt;img" in row
    assert "Q" * 60 not in row


def test_no_link_leads_to_what_is_gone():
    row = execution_row(FAILED, {}, {5}, may_read=True, may_stop=True, may_retry=True)
    assert "retry of #5 (gone)</span>" in row
    assert "executions/5" not in row
    assert "mended by #9</a>" in row


def test_who_may_not_read_sees_nothing_of_what_it_was_about():
    row = execution_row(FAILED, {"key": "secret"}, (), may_read=False, may_stop=False, may_retry=False)
    assert "secret" not in row
    assert "<button" not in row
    assert 'href="/console/executions/' not in row
    assert "href" not in last_runs([LastRun(1, "success", "manual", AT, None, None)], may_read=False)


def test_one_that_waits_says_when_it_goes_on():
    waiting = replace(FAILED, status="waiting", error_message=None, stopped_at=None, wait_till=AT)
    row = execution_row(waiting, {}, (), may_read=True, may_stop=True, may_retry=True)
    assert '<p class="about">goes on ' in row
    endless = replace(waiting, wait_till=datetime(3000, 1, 1, tzinfo=UTC))
    row = execution_row(endless, {}, (), may_read=True, may_stop=True, may_retry=True)
    assert '<p class="about">waits without a time limit</p>' in row
    assert "data-live" in row
    assert "7/stop" in row


def test_a_strip_of_runs_is_one_stop_of_the_tab_key():
    strip = last_runs([LastRun(n, "success", "manual", AT, None, None) for n in (3, 2, 1)], may_read=True)
    assert strip.count('tabindex="-1"') == 2
    assert strip.startswith('<li><a href="/console/executions/3" class="s-success" title="#3 Succeeded ')
