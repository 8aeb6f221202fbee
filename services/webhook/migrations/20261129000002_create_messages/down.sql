DROP TABLE endpoint_turns;
DROP TABLE attempts;
DROP TABLE deliveries;
DROP TABLE messages;
