-- Endpoints that are not posted to: who has them asks for the messages.
ALTER TABLE endpoints
    DROP CONSTRAINT endpoints_kind_check,
    ADD CONSTRAINT endpoints_kind_check CHECK (kind IN ('webhook', 'slack', 'zapier', 'n8n', 'posthog', 'poll')),
    ALTER url DROP NOT NULL,
    ADD CONSTRAINT endpoints_url_is_posted_to CHECK ((url IS NULL) = (kind = 'poll'));

-- The transaction that offered it to an endpoint that asks; they are read in the order of commits, which
-- is that of these, below those that are open.
ALTER TABLE deliveries ADD COLUMN xid xid8;
CREATE INDEX deliveries_offered ON deliveries (endpoint_id, xid, message_id) WHERE xid IS NOT NULL;
-- What nobody has asked for yet.
CREATE INDEX deliveries_unasked ON deliveries (endpoint_id, xid, message_id) WHERE xid IS NOT NULL AND state = 'pending';
