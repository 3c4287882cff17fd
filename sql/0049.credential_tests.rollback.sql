DROP TABLE credential_tests;
