"""PostgreSQL has recorded something, and the worker does not hear of it: what it sends once more changes nothing."""

import pytest

from app.repository import lifecycle
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.worker.losing_cable import LosingCable
from tests.worker.test_waiting_sub_workflows import FOR_A_CALL
from tests.workflows import no_op, stored

pytestmark = pytest.mark.slow

ENDS = "SELECT sum(value) FROM counters WHERE name = 'executions_ended'"


def test_what_waits_goes_on_once_although_two_answers_to_its_small_record_were_lost(
    queue, start_worker, database_url
) -> None:
    """The wait is over when the record is sent again: it is not claimed with that, for the answer may be lost, too."""
    queue.save(stored({**FOR_A_CALL, "name": "Asked"}, no_op()))
    cable = LosingCable(database_url, lambda data, _: b'"name":"Asked"' in data, losses=2)
    try:
        worker = start_worker(DATABASE_URL=cable.url)
        [waiting] = queue.add()
        wait_until(lambda: cable.kept_back, worker.log_tail)
        assert queue.get(waiting).status == "waiting"
        with queue.connection.transaction():
            lifecycle.resume_by_webhook(queue.connection, waiting, b'[{"json":{"said":"yes"}}]')
        cable.deliver()
        assert [execution.status for execution in queue.wait_for([waiting])] == ["success"]
        assert cable.losses == 0
        assert queue.ran(waiting) == {"Start": ["success"], "Asked": ["success"], "Done": ["success"]}
        [done] = queue.data(waiting)["resultData"]["runData"]["Done"]
        assert done["data"]["main"] == [[{"json": {"said": "yes"}, "pairedItem": {"item": 0}}]]
        assert queue.connection.execute(ENDS).fetchone() == (1,)
        assert worker.stop(PATIENCE_SECONDS) == 0
    finally:
        cable.close()
