DROP TABLE endpoint_secrets;
DROP TABLE endpoints;
