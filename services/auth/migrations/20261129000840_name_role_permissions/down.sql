DROP TRIGGER permissions_change ON permissions;
DROP TRIGGER role_permissions_change ON role_permissions;
DROP FUNCTION replace_role_permissions_state();
DROP TABLE role_permissions_state;
