"""Places of a worker beyond its usual ones, so that no project can hold all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# The waits that are over of projects that hold less than others. Uses executions_waiting, whether there is any; then
# executions_waiting_of_project: a look for each project that waits, and the longest over of each. Run only where a
# worker has no other place.
CLAIM_DUE_EXTRA = """
    WITH RECURSIVE waits (project_id, wait_till) AS (
        (SELECT q.project_id, q.wait_till
           FROM executions AS q
          WHERE q.status = 'waiting' AND q.wait_till IS NOT NULL
            AND EXISTS (SELECT FROM executions AS o WHERE o.status = 'waiting' AND o.wait_till <= statement_timestamp())
          ORDER BY q.project_id, q.wait_till
          LIMIT 1)
         UNION ALL
        SELECT n.project_id, n.wait_till
          FROM waits AS w
         CROSS JOIN LATERAL (
                   SELECT q.project_id, q.wait_till
                     FROM executions AS q
                    WHERE q.status = 'waiting' AND q.wait_till IS NOT NULL AND q.project_id > w.project_id
                    ORDER BY q.project_id, q.wait_till
                    LIMIT 1) AS n
    ), candidates AS (
        SELECT o.id, o.number, row_number() OVER (ORDER BY o.number, o.wait_till, o.id) AS place
          FROM waits AS w
          LEFT JOIN unnest(%(projects)s::text[], %(numbers)s::int[]) AS h (project_id, number)
            ON h.project_id = w.project_id
         CROSS JOIN LATERAL (
                   SELECT l.id, l.wait_till, coalesce(h.number, 0) + row_number() OVER (ORDER BY l.wait_till) AS number
                     FROM (SELECT q.id, q.wait_till
                             FROM executions AS q
                            WHERE q.status = 'waiting' AND q.project_id = w.project_id
                              AND q.wait_till <= statement_timestamp() AND q.id <> ALL(%(unclaimed)s::bigint[])
                            ORDER BY q.wait_till
                            LIMIT %(extra)s
                              FOR UPDATE OF q SKIP LOCKED) AS l) AS o
         WHERE w.wait_till <= statement_timestamp() AND coalesce(h.number, 0) < %(extra)s
    )
    UPDATE executions AS e
       SET status = 'running', worker_id = %(worker_id)s, wait_till = NULL, resume_on = NULL
     WHERE e.id = ANY(ARRAY(SELECT c.id FROM candidates AS c WHERE c.number + c.place <= %(extra)s + 1))
       AND e.status || '' = 'waiting'
    RETURNING e.id, e.workflow_id, e.workflow_version_id, e.project_id, e.mode, e.retry_of, e.awaited,
              EXISTS (SELECT FROM execution_data AS d WHERE d.execution_id = e.id), NULL::float
"""


@dataclass(frozen=True, slots=True)
class ExtraPlaces:
    """Places beyond the usual ones: each is for a project that holds fewer executions than there are left of them.

    `held` says how many each project holds in the worker. Who holds all usual places gets none; one that comes anew
    gets some, and leaves some to the next.
    """

    places: int = 0
    held: Mapping[str, int] = field(default_factory=dict)

    def after(self, projects: Sequence[str], free: int) -> ExtraPlaces:
        """What is left once executions of these projects have taken the `free` usual places and extra ones."""
        if not projects:
            return self
        left = self.places - max(len(projects) - max(free, 0), 0)
        return ExtraPlaces(max(left, 0), Counter(self.held) + Counter(projects))

    @property
    def parameters(self) -> dict[str, object]:
        """What the statements ask for."""
        return {"extra": self.places, "projects": list(self.held), "numbers": list(self.held.values())}


NO_EXTRA_PLACES = ExtraPlaces()
