DROP TABLE retry_job_results, retry_jobs;
