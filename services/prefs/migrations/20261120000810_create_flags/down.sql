DROP TABLE flag_environments;
DROP TABLE flag_segments;
DROP TABLE flag_versions;
DROP TABLE flags;
DROP TABLE flag_sets;
