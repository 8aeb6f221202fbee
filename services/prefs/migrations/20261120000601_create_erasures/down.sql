DROP INDEX documents_by_user;
DROP TABLE erasures;
