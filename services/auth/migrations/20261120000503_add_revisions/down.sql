ALTER TABLE organizations DROP COLUMN revision;
ALTER TABLE users DROP COLUMN revision;
