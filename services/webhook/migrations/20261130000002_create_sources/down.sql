DROP TABLE received, sources;
