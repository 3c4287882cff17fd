-- transactional: false
DROP INDEX CONCURRENTLY IF EXISTS retry_jobs_of_project;
DROP INDEX CONCURRENTLY IF EXISTS deletion_jobs_of_project;
DROP INDEX CONCURRENTLY IF EXISTS problems_of_status;
DROP INDEX CONCURRENTLY IF EXISTS workers_stopped;
