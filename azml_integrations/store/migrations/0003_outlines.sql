-- Of each full block of numbers the points that show it: the first and the last, and of each 128 the lowest, the
-- highest and the first that is not finite. A chart of a million points reads these and no block.
-- A block that was folded before version 3 has none and is read itself.
CREATE TABLE outlines (
  run_id TEXT NOT NULL,
  name TEXT NOT NULL,
  journal TEXT NOT NULL,
  seq INTEGER NOT NULL,             -- of the block
  size INTEGER NOT NULL,            -- how many points these are
  first_at REAL NOT NULL,
  last_at REAL NOT NULL,
  first_step REAL,                  -- the lowest step in the block; NULL where a point has none
  last_step REAL,                   -- the highest
  places BLOB NOT NULL,             -- in the block, from 0, packed like all columns of points
  steps BLOB NOT NULL,
  times BLOB NOT NULL,
  "values" BLOB NOT NULL,
  PRIMARY KEY (run_id, name, journal, seq)
);
