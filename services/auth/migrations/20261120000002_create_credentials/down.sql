DROP TABLE api_keys, sessions;
