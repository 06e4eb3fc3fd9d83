CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT UNIQUE, password TEXT);
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY, staff_id INTEGER, bike TEXT, note TEXT, share_token TEXT
);
CREATE TABLE parts (id INTEGER PRIMARY KEY, order_id TEXT, name TEXT, arrived INTEGER);
