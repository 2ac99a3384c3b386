"""Real servers for tests: the ones that benches measure with."""

from bench.trial.servers import READY_S, PostgresServer, RedisServer, S3Server, free_port, postgres, postgres_programs, until_ready

__all__ = ["READY_S", "PostgresServer", "RedisServer", "S3Server", "free_port", "postgres", "postgres_programs", "until_ready"]
