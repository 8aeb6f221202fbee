DROP TABLE memberships, organizations, user_roles, users, role_permissions, permissions, roles;
