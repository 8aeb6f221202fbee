-- A lane is asked how many of it run, whether any wait, and which is next: never to be answered by going
-- through all that wait, of which there may be very many.
DROP INDEX jobs_lanes;
CREATE INDEX jobs_lanes ON jobs (lane, state, ord) WHERE lane IS NOT NULL;
