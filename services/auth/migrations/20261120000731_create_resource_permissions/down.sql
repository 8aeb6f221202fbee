DROP TABLE resource_permissions;
DROP TABLE restricted_resources;
