ALTER TABLE sessions DROP COLUMN cookie, DROP COLUMN authenticated_at, DROP COLUMN methods, DROP COLUMN device,
    DROP COLUMN network;
