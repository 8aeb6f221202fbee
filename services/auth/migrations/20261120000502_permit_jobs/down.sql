-- Takes the roles' shares with them.
DELETE FROM permissions WHERE scope IN ('jobs:read', 'jobs:write', 'jobs:admin');
