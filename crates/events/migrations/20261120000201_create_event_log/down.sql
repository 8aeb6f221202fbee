DROP TABLE event_subscribers;
DROP TABLE events;
