-- A login looks for one before it on the same device in the same network: somebody who
-- logs in often has very many.
CREATE INDEX sessions_seen ON sessions (user_id, coalesce(device, ''), coalesce(network, ''));
