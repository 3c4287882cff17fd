"""GET /executions/{id}/progress, and the same in events."""

import orjson

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
    assert empty == {
        "id": str(ids[1]),
        "status": "success",
        "current": None,
        "tries": [],
        "version": None,
        "nodes": [],
        "changedAt": None,
    }
    told = {data["change"]: data for name, data in events(api, since=since) if name == "execution"}
    assert told.keys() >= {"progress", "ended", "waiting"}
    assert told["progress"]["progress"]["current"] == "B"
    execution_progress.forget_old(api.db)
    assert execution_progress.read(api.db, ids).keys() == {each["running"]}
    execution_progress.save(api.db, {}, ids)
    assert execution_progress.read(api.db, ids) == {}


def test_only_what_has_changed_since_a_version_is_told(api, each):
    nodes = [
        {"node": name, "runs": 1, "items": [2], "status": "success", "changed": at} for name, at in (("A", 1), ("B", 3))
    ]
    said = orjson.dumps({"current": "C", "version": "0.3", "nodes": nodes})
    execution_progress.save(api.db, {each["running"]: said}, [])
    api.db.commit()
    path = f"/executions/{each['running']}/progress"
    told = {
        since: [one["node"] for one in api.get(f"{path}?since={since}").json["nodes"]]
        for since in ("0.1", "0.3", "4.1")
    }
    assert told == {"0.1": ["B"], "0.3": [], "4.1": ["A", "B"]}
    assert api.get(path).json["version"] == "0.3"
    assert api.get(f"{path}?since=x").status_code == 400


def test_what_is_not_there_or_not_visible(api, each):
    limited = api.with_key("limited", "execution:read", project_id=api.project("other"))
    assert limited.get(f"/executions/{each['running']}/progress").status_code == 404
    for unknown in ("0", "x", "99999"):
        assert api.get(f"/executions/{unknown}/progress").status_code == 404
