ALTER TABLE deliveries DROP COLUMN xid;
DELETE FROM endpoints WHERE kind = 'poll';
ALTER TABLE endpoints
    DROP CONSTRAINT endpoints_url_is_posted_to,
    ALTER url SET NOT NULL,
    DROP CONSTRAINT endpoints_kind_check,
    ADD CONSTRAINT endpoints_kind_check CHECK (kind IN ('webhook', 'slack', 'zapier', 'n8n', 'posthog'));
