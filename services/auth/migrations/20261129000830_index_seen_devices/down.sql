DROP INDEX sessions_seen;
