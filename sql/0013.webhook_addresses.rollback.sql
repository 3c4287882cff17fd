-- transactional: false
DROP INDEX CONCURRENTLY webhooks_by_first_segment;
