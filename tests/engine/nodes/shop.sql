DROP TABLE IF EXISTS items, "Odd ""name";
CREATE TABLE items (
    id serial PRIMARY KEY, name text UNIQUE, price numeric, qty bigint, small int, at timestamptz, day date,
    tags jsonb, list text[], ok boolean, ratio float8, raw bytea
);
INSERT INTO items (name, price, qty, small, at, day, tags, list, ok, ratio, raw) VALUES
    ('apple', 1.50, 9007199254740993, 3, '2024-02-19T10:30:00Z', '2024-02-19', '{"a": [1]}', '{x,y}', true, 0.5, '\x0102'),
    ('pear', NULL, 2, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL),
    ('fig', 10, 3, 7, '2024-03-01T00:00:00Z', '2024-03-01', '[]', '{}', true, 1e20, NULL);
CREATE TABLE "Odd ""name" ("A b" text);
