DROP INDEX bulk_calls_of_project;
