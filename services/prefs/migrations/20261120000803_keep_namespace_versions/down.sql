DROP TABLE namespace_versions;
