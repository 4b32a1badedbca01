-- Points that version 1 passed over are in the journals: everything is folded again.
DELETE FROM runs;
DELETE FROM journals;
DELETE FROM tags;
DELETE FROM properties;
DELETE FROM artifacts;
DELETE FROM notes;

-- One row per metric of a run. last, min and max are over its numbers; NaN is in none of them.
CREATE TABLE metrics (
  run_id TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,               -- of the first point
  mixed INTEGER NOT NULL,           -- 1: other kinds follow
  count INTEGER NOT NULL,
  first_at REAL NOT NULL,
  first_journal TEXT NOT NULL,
  first_step INTEGER,
  last_at REAL NOT NULL,
  last_journal TEXT NOT NULL,
  last_step INTEGER,
  last_value BLOB,                  -- packed as a column of one value, see azml_integrations.columns
  last REAL,
  min REAL,
  max REAL,
  description TEXT NOT NULL,
  PRIMARY KEY (run_id, name)
);
CREATE INDEX metrics_by_last ON metrics (name, last);
CREATE INDEX metrics_by_min ON metrics (name, min);
CREATE INDEX metrics_by_max ON metrics (name, max);

-- Points in blocks of at most 4,096 of one kind, in the order of their journal.
CREATE TABLE blocks (
  run_id TEXT NOT NULL,
  name TEXT NOT NULL,
  journal TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  min REAL,
  max REAL,
  steps BLOB NOT NULL,
  times BLOB NOT NULL,
  "values" BLOB NOT NULL,
  PRIMARY KEY (run_id, name, journal, seq)
);
