DROP TABLE conversions;
DROP TABLE exposures;
DROP TABLE experiments;
