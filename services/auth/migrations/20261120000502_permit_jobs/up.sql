-- Every service has jobs: their owners watch and cancel them, administrators see all.

INSERT INTO permissions (scope, description, sensitive) VALUES
    ('jobs:read', 'Watch the jobs of the organisation.', false),
    ('jobs:write', 'Cancel the jobs of the organisation.', false),
    ('jobs:admin', 'Administer jobs of all organisations, and the platform''s own.', true);

INSERT INTO role_permissions (role, scope) VALUES
    ('USER', 'jobs:read'),
    ('USER', 'jobs:write'),
    ('ADMIN', 'jobs:read'),
    ('ADMIN', 'jobs:write'),
    ('ADMIN', 'jobs:admin');
