-- Who people are, where they belong, and what their roles permit.

CREATE TABLE roles (
    name text PRIMARY KEY,
    description text NOT NULL
);

CREATE TABLE permissions (
    scope text PRIMARY KEY CHECK (scope ~ '^[a-z]+:(read|write|admin)$'),
    description text NOT NULL,
    -- Waits until the user's address is verified.
    sensitive boolean NOT NULL DEFAULT false
);

CREATE TABLE role_permissions (
    role text NOT NULL REFERENCES roles ON DELETE CASCADE,
    scope text NOT NULL REFERENCES permissions ON DELETE CASCADE,
    PRIMARY KEY (role, scope)
);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    -- Lower case, ASCII.
    email text NOT NULL,
    email_verified_at timestamptz,
    -- A PHC string; none for who never had a password.
    password_hash text,
    name text,
    avatar_url text,
    locale text,
    time_zone text,
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    -- Grows when rights change: tokens carry it as `ver`.
    version bigint NOT NULL DEFAULT 1,
    banned_at timestamptz,
    -- When somebody last tried to register the address again; its owner shall be told.
    reregistered_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_email_lower CHECK (email = lower(email))
);

CREATE TABLE user_roles (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    role text NOT NULL REFERENCES roles,
    PRIMARY KEY (user_id, role)
);

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    -- The one user whose personal organisation this is; it goes with the user.
    personal_of uuid REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    CONSTRAINT organizations_personal_of_key UNIQUE (personal_of)
);

CREATE TABLE memberships (
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, user_id)
);
CREATE INDEX memberships_user_id ON memberships (user_id);

INSERT INTO roles (name, description) VALUES
    ('USER', 'Whoever registers.'),
    ('RESELLER', 'Sells licences to others.'),
    ('ADMIN', 'Runs the platform.');

INSERT INTO permissions (scope, description, sensitive) VALUES
    ('auth:read', 'Read the own account, sessions and API keys.', false),
    ('auth:write', 'Change the own account, sessions and API keys.', false),
    ('auth:admin', 'Administer users and roles.', true),
    ('orgs:read', 'Read organisations and their members.', false),
    ('orgs:write', 'Change organisations and their members.', false),
    ('prefs:read', 'Read the own preferences.', false),
    ('prefs:write', 'Change the own preferences.', false),
    ('prefs:admin', 'Administer preference namespaces.', true),
    ('flags:read', 'Evaluate and read feature flags.', false),
    ('flags:write', 'Change feature flags.', false),
    ('flags:admin', 'Administer feature flags.', true),
    ('webhooks:read', 'Read webhook endpoints and messages.', false),
    ('webhooks:write', 'Change webhook endpoints and send messages.', false),
    ('webhooks:admin', 'Administer webhooks of all organisations.', true),
    ('agents:read', 'Read agents and executions.', false),
    ('agents:write', 'Change and run agents.', false),
    ('agents:admin', 'Administer agents of all organisations.', true),
    ('payments:read', 'Read plans, subscriptions and invoices.', false),
    ('payments:write', 'Buy, change and cancel subscriptions.', true),
    ('payments:admin', 'Administer payments of all organisations.', true),
    ('licenses:read', 'Read licences.', false),
    ('licenses:write', 'Issue, change and revoke licences.', true),
    ('licenses:admin', 'Administer licences of all organisations.', true),
    ('orders:read', 'Read products and orders.', false),
    ('orders:write', 'Place and cancel orders.', false),
    ('orders:admin', 'Administer products and orders.', true),
    ('workspaces:read', 'Read workspaces.', false),
    ('workspaces:write', 'Change workspaces.', false),
    ('workspaces:admin', 'Administer workspaces of all organisations.', true),
    ('email:read', 'Read e-mail campaigns.', false),
    ('email:write', 'Send e-mail.', true),
    ('email:admin', 'Administer e-mail of all organisations.', true);

INSERT INTO role_permissions (role, scope)
    SELECT 'USER', scope FROM permissions
    WHERE scope !~ ':admin$' AND scope NOT IN ('licenses:write', 'email:write');
INSERT INTO role_permissions (role, scope) VALUES ('RESELLER', 'licenses:read'), ('RESELLER', 'licenses:write');
INSERT INTO role_permissions (role, scope) SELECT 'ADMIN', scope FROM permissions;
