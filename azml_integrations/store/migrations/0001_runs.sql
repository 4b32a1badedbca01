-- Runs and what is known of each in one value a key.
-- Moments are seconds since the epoch, UTC. `said` is the last status that the run itself told; `status` differs
-- from it only where a verdict stands about a process that died.
CREATE TABLE runs (
  run_id TEXT PRIMARY KEY,
  experiment TEXT NOT NULL,
  number INTEGER NOT NULL,
  name TEXT,
  display_name TEXT,
  named_at REAL,
  described_at REAL,
  description TEXT,
  type TEXT,
  target TEXT NOT NULL,
  parent_id TEXT,
  user TEXT,
  host TEXT,
  status TEXT NOT NULL,
  said TEXT NOT NULL,
  status_at REAL,
  verdict TEXT,
  error TEXT,                       -- JSON: message, code, type, trace
  created_at REAL NOT NULL,
  started_at REAL,
  ended_at REAL,
  settled INTEGER NOT NULL DEFAULT 0 -- 1: the folder does not grow any more
) WITHOUT ROWID;
CREATE INDEX runs_by_experiment ON runs (experiment, created_at);
CREATE INDEX runs_by_parent ON runs (parent_id, created_at);
CREATE INDEX runs_by_time ON runs (created_at);
CREATE INDEX runs_unsettled ON runs (run_id) WHERE settled = 0;

-- How far each journal file is folded; `clock` is the latest moment seen in it.
CREATE TABLE journals (
  run_id TEXT NOT NULL,
  journal TEXT NOT NULL,
  offset INTEGER NOT NULL,
  line INTEGER NOT NULL,
  clock REAL NOT NULL,
  damaged INTEGER NOT NULL,
  PRIMARY KEY (run_id, journal)
) WITHOUT ROWID;

-- A removed tag stays with removed = 1, so that an older write that is folded later cannot bring it back.
CREATE TABLE tags (
  run_id TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT,
  removed INTEGER NOT NULL,
  at REAL NOT NULL,
  journal TEXT NOT NULL,
  PRIMARY KEY (run_id, key)
) WITHOUT ROWID;
CREATE INDEX tags_by_key ON tags (key, value);

CREATE TABLE properties (
  run_id TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  at REAL NOT NULL,
  journal TEXT NOT NULL,
  PRIMARY KEY (run_id, key)
);
CREATE INDEX properties_by_key ON properties (key, value);

-- `path` is where the file lies below the run's folder.
CREATE TABLE artifacts (
  run_id TEXT NOT NULL,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  at REAL NOT NULL,
  journal TEXT NOT NULL,
  PRIMARY KEY (run_id, name)
) WITHOUT ROWID;

CREATE TABLE notes (
  run_id TEXT NOT NULL,
  at REAL NOT NULL,
  journal TEXT NOT NULL,
  line INTEGER NOT NULL,
  source TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (run_id, at, journal, line)
) WITHOUT ROWID;
