UPDATE imports AS i
   SET unfinished = ARRAY(
           SELECT l.execution_id FROM import_leftovers AS l WHERE l.source = i.source ORDER BY l.execution_id);
DROP TABLE import_leftovers;
