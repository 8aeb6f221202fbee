DROP TABLE job_fires;
DROP FUNCTION jobs_rotate_history(interval);
DROP TABLE jobs_history;
DROP TABLE jobs;
DROP SEQUENCE jobs_position;
