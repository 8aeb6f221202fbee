DROP FUNCTION rotate_messages(interval);
DROP FUNCTION message_id_at(timestamptz);
DROP TABLE endpoint_turns, attempts, deliveries, message_event_ids, messages;
