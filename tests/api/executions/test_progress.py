"""GET /executions/{id}/progress, and the same in events."""

from app.repository import execution_progress
from tests.api.executions.test_events import events, moment

SAID = b'{"current":"B","nodes":[{"node":"A","runs":1,"items":[2],"status":"success"}]}'


def test_a_running_one_tells_how_far_it_is(api, each):
    since = moment(api)
    ids = [each["running"], each["success"], each["waiting"]]
    execution_progress.save(api.db, dict.fromkeys(ids, SAID), [])
    api.db.commit()
    progress = api.get(f"/executions/{each['running']}/progress").json
    assert (progress["current"], progress["nodes"][0]["items"], progress["status"]) == ("B", [2], "running")
    assert progress["changedAt"] is not None
    empty = api.get(f"/executions/{each['success']}/progress").json
    assert empty == {"id": str(ids[1]), "status": "success", "current": None, "nodes": [], "changedAt": None}
    told = {data["change"]: data for name, data in events(api, since=since) if name == "execution"}
    assert told.keys() >= {"progress", "ended", "waiting"}
    assert told["progress"]["progress"]["current"] == "B"
    execution_progress.forget_old(api.db)
    assert execution_progress.read(api.db, ids).keys() == {each["running"]}
    execution_progress.save(api.db, {}, ids)
    assert execution_progress.read(api.db, ids) == {}


def test_what_is_not_there_or_not_visible(api, each):
    limited = api.with_key("limited", "execution:read", project_id=api.project("other"))
    assert limited.get(f"/executions/{each['running']}/progress").status_code == 404
    for unknown in ("0", "x", "99999"):
        assert api.get(f"/executions/{unknown}/progress").status_code == 404
