DROP FUNCTION without_nul(json);
