"""The Executions API: Flask answers, PostgreSQL remembers and coordinates, workers run workflows."""

import gc

# What is loaded stays. To look through it after every 700 more objects takes a quarter of the start of each process.
gc.set_threshold(50_000, 20, 20)
