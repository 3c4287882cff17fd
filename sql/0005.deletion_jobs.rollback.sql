DROP TABLE deletion_jobs;
