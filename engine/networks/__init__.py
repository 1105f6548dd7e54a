"""Bare networks: modules of torch that know nothing of tables, files or jobs."""
