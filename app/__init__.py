"""The Executions API: Flask answers, PostgreSQL remembers and coordinates, workers run workflows."""
