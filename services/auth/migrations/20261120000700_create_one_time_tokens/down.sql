DROP TABLE mails;
DROP TABLE one_time_tokens;
