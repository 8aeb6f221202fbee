DROP TABLE endpoint_secrets, endpoints, event_types;
