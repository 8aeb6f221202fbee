DROP INDEX jobs_lanes;
CREATE INDEX jobs_lanes ON jobs (lane, ord) WHERE lane IS NOT NULL;
