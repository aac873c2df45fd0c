/// The tables, indexes and views of an exported database.
///
/// Addresses and raw entries are SQLite's 64-bit integers, so that queries can compute with them; those with the
/// top bit set are negative there, but still equal their hexadecimal literals in queries. Views add them as text.
enum ExportSchema {
  /// Incremented when anything changes that scripts rely on.
  static let version = 1

  /// Settings that make it fast to write one new file; an unfinished database is discarded.
  static let settings = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    """

  static let tables = """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
    CREATE TABLE spaces (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL, pid INTEGER, root INTEGER NOT NULL, scheme TEXT NOT NULL,
      found_by TEXT NOT NULL, tables INTEGER NOT NULL, shared_tables INTEGER NOT NULL,
      bytes_mapped INTEGER NOT NULL, stale INTEGER NOT NULL, copy TEXT, paired_root INTEGER,
      root_table INTEGER REFERENCES tables(id), sign_bit INTEGER NOT NULL, named_by TEXT, command TEXT,
      threads INTEGER, unowned INTEGER NOT NULL, user_bytes INTEGER NOT NULL, resident_bytes INTEGER NOT NULL,
      proportional_bytes INTEGER NOT NULL, private_bytes INTEGER NOT NULL, swapped_bytes INTEGER,
      own_tables INTEGER NOT NULL);
    CREATE TABLE windows (
      space INTEGER NOT NULL REFERENCES spaces(id), number INTEGER NOT NULL, register TEXT NOT NULL,
      root INTEGER NOT NULL, va INTEGER NOT NULL, length INTEGER NOT NULL, scheme TEXT NOT NULL,
      root_table INTEGER REFERENCES tables(id), PRIMARY KEY (space, number)) WITHOUT ROWID;
    CREATE TABLE processes (
      id INTEGER PRIMARY KEY, space INTEGER NOT NULL REFERENCES spaces(id), pid INTEGER NOT NULL,
      name TEXT NOT NULL, parent INTEGER, threads INTEGER);
    CREATE TABLE regions (
      id INTEGER PRIMARY KEY, space INTEGER NOT NULL REFERENCES spaces(id), va INTEGER NOT NULL,
      length INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, permissions TEXT, file_offset INTEGER,
      present INTEGER NOT NULL, swapped INTEGER NOT NULL, marked INTEGER NOT NULL, absent INTEGER NOT NULL);
    CREATE TABLE kernel_regions (
      id INTEGER PRIMARY KEY, va INTEGER NOT NULL, length INTEGER NOT NULL, kind TEXT NOT NULL,
      name TEXT NOT NULL, present INTEGER NOT NULL, absent INTEGER NOT NULL);
    CREATE TABLE tables (
      id INTEGER PRIMARY KEY, pa INTEGER NOT NULL, depth INTEGER NOT NULL, level TEXT NOT NULL,
      scheme TEXT NOT NULL, entry_bytes INTEGER NOT NULL, spaces INTEGER NOT NULL, parents INTEGER NOT NULL,
      paths INTEGER NOT NULL, own_leaves INTEGER NOT NULL, leaves INTEGER NOT NULL,
      owner INTEGER NOT NULL REFERENCES spaces(id));
    CREATE TABLE table_links (
      parent INTEGER NOT NULL REFERENCES tables(id), slot INTEGER NOT NULL,
      child INTEGER NOT NULL REFERENCES tables(id), access INTEGER NOT NULL,
      PRIMARY KEY (parent, slot)) WITHOUT ROWID;
    CREATE TABLE mappings (
      id INTEGER PRIMARY KEY, space INTEGER NOT NULL REFERENCES spaces(id),
      table_id INTEGER REFERENCES tables(id), slot INTEGER NOT NULL, va INTEGER NOT NULL,
      length INTEGER NOT NULL, pa INTEGER NOT NULL, page_size INTEGER NOT NULL, write INTEGER NOT NULL,
      user INTEGER NOT NULL, execute INTEGER NOT NULL, flags TEXT NOT NULL, entry INTEGER NOT NULL,
      entry_access INTEGER NOT NULL, direct_map INTEGER NOT NULL);
    CREATE TABLE shared_references (
      id INTEGER PRIMARY KEY, space INTEGER NOT NULL REFERENCES spaces(id),
      owner INTEGER NOT NULL REFERENCES spaces(id), depth INTEGER NOT NULL, our_va INTEGER NOT NULL,
      their_va INTEGER NOT NULL, length INTEGER NOT NULL, table_id INTEGER REFERENCES tables(id),
      access INTEGER NOT NULL);
    CREATE TABLE aliases (
      pa INTEGER NOT NULL, length INTEGER NOT NULL, mapping INTEGER NOT NULL REFERENCES mappings(id),
      space INTEGER NOT NULL REFERENCES spaces(id), va INTEGER NOT NULL, kind TEXT NOT NULL,
      shared_by INTEGER NOT NULL, shared_paths INTEGER NOT NULL);
    CREATE TABLE mirrors (
      id INTEGER PRIMARY KEY, space INTEGER NOT NULL REFERENCES spaces(id), user_va INTEGER NOT NULL,
      kernel_va INTEGER NOT NULL, length INTEGER NOT NULL, pages INTEGER NOT NULL, pa INTEGER NOT NULL,
      user_mappings INTEGER NOT NULL, kernel_space INTEGER NOT NULL REFERENCES spaces(id),
      kind TEXT NOT NULL);
    CREATE TABLE findings (
      id INTEGER PRIMARY KEY, kind TEXT NOT NULL, space INTEGER NOT NULL REFERENCES spaces(id),
      va INTEGER NOT NULL, length INTEGER NOT NULL, write INTEGER NOT NULL, user INTEGER NOT NULL,
      execute INTEGER NOT NULL, spaces INTEGER NOT NULL, table_id INTEGER REFERENCES tables(id),
      slot INTEGER NOT NULL, entry INTEGER NOT NULL);
    """

  /// Created after the rows are inserted: sorting once is cheaper.
  static let indexes = """
    CREATE INDEX spaces_root ON spaces (root);
    CREATE INDEX tables_pa ON tables (pa);
    CREATE INDEX table_links_child ON table_links (child);
    CREATE INDEX mappings_pa ON mappings (pa);
    CREATE INDEX mappings_va ON mappings (space, va);
    CREATE INDEX mappings_table ON mappings (table_id);
    CREATE INDEX references_space ON shared_references (space, our_va);
    CREATE INDEX references_owner ON shared_references (owner, their_va);
    CREATE INDEX aliases_pa ON aliases (pa);
    CREATE INDEX aliases_mapping ON aliases (mapping);
    CREATE INDEX aliases_space ON aliases (space, va);
    CREATE INDEX mirrors_kernel_va ON mirrors (kernel_va);
    CREATE INDEX processes_space ON processes (space);
    CREATE INDEX regions_va ON regions (space, va);
    CREATE INDEX kernel_regions_va ON kernel_regions (va);
    CREATE INDEX findings_kind ON findings (kind);
    ANALYZE;
    """

  /// The letters `rwxu` from three columns, or from the bits of an `access` column (1 write, 2 user, 4 execute).
  private static func letters(_ write: String, _ execute: String, _ user: String) -> String {
    "'r' || iif(\(write), 'w', '-') || iif(\(execute), 'x', '-') || iif(\(user), 'u', '-')"
  }

  private static func hex(_ column: String) -> String { "printf('0x%x', \(column))" }

  static let views = """
    CREATE VIEW v_spaces AS SELECT *, \(hex("root")) AS root_hex FROM spaces;
    CREATE VIEW v_windows AS
      SELECT w.*, s.name AS space_name, s.pid AS pid, \(hex("w.root")) AS root_hex, \(hex("w.va")) AS va_hex
      FROM windows w JOIN spaces s ON s.id = w.space;
    CREATE VIEW v_tables AS
      SELECT t.*, \(hex("t.pa")) AS pa_hex, s.name AS owner_name FROM tables t JOIN spaces s ON s.id = t.owner;
    CREATE VIEW v_mappings AS
      SELECT m.*, s.name AS space_name, \(hex("m.va")) AS va_hex, \(hex("m.pa")) AS pa_hex,
        \(letters("m.write", "m.execute", "m.user")) AS rights, t.spaces AS shared_by
      FROM mappings m JOIN spaces s ON s.id = m.space LEFT JOIN tables t ON t.id = m.table_id;
    CREATE VIEW v_references AS
      SELECT r.*, s.name AS space_name, o.name AS owner_name, \(hex("r.our_va")) AS our_va_hex,
        \(hex("r.their_va")) AS their_va_hex, \(hex("t.pa")) AS table_hex,
        \(letters("r.access & 1", "r.access & 4", "r.access & 2")) AS rights
      FROM shared_references r JOIN spaces s ON s.id = r.space JOIN spaces o ON o.id = r.owner
        LEFT JOIN tables t ON t.id = r.table_id;
    CREATE VIEW v_aliases AS
      SELECT a.*, s.name AS space_name, s.pid AS pid, \(hex("a.pa")) AS pa_hex, \(hex("a.va")) AS va_hex,
        \(letters("m.write", "m.execute", "m.user")) AS rights
      FROM aliases a JOIN spaces s ON s.id = a.space JOIN mappings m ON m.id = a.mapping;
    CREATE VIEW v_mirrors AS
      SELECT m.*, s.name AS space_name, s.pid AS pid, \(hex("m.user_va")) AS user_va_hex,
        \(hex("m.kernel_va")) AS kernel_va_hex, \(hex("m.pa")) AS pa_hex
      FROM mirrors m JOIN spaces s ON s.id = m.space;
    CREATE VIEW v_findings AS
      SELECT f.*, s.name AS space_name, \(hex("f.va")) AS va_hex, \(hex("f.entry")) AS entry_hex,
        \(letters("f.write", "f.execute", "f.user")) AS rights
      FROM findings f JOIN spaces s ON s.id = f.space;
    CREATE VIEW v_table_paths AS
      WITH RECURSIVE paths (space, table_id, start, access) AS (
        SELECT space, root_table, va, 7 FROM windows WHERE root_table IS NOT NULL
        UNION ALL
        SELECT p.space, l.child, p.start + l.slot * t.entry_bytes, p.access & l.access
        FROM paths p JOIN table_links l ON l.parent = p.table_id JOIN tables t ON t.id = l.parent)
      SELECT p.space, p.table_id, p.start, p.start - 2 * (p.start & s.sign_bit) AS va, p.access, s.sign_bit
      FROM paths p JOIN spaces s ON s.id = p.space;
    CREATE VIEW v_every_mapping AS
      SELECT e.*, s.name AS space_name, s.pid AS pid, \(hex("e.va")) AS va_hex, \(hex("e.pa")) AS pa_hex,
        \(letters("e.access & 1", "e.access & 4", "e.access & 2")) AS rights
      FROM (
        SELECT p.space AS space, m.id AS mapping,
          p.start + m.slot * m.page_size - 2 * ((p.start + m.slot * m.page_size) & p.sign_bit) AS va,
          m.length AS length, m.pa AS pa, m.page_size AS page_size, p.access & m.entry_access AS access,
          m.table_id AS table_id
        FROM mappings m JOIN v_table_paths p ON p.table_id = m.table_id) e JOIN spaces s ON s.id = e.space;
    CREATE VIEW v_regions AS
      SELECT r.*, s.name AS space_name, s.pid AS pid, \(hex("r.va")) AS va_hex,
        \(hex("r.va + r.length")) AS end_hex
      FROM regions r JOIN spaces s ON s.id = r.space;
    CREATE VIEW v_region_mappings AS
      SELECT r.id AS region, r.space AS space, r.space_name AS space_name, r.pid AS pid, r.name AS name,
        r.permissions AS permissions, e.mapping AS mapping, max(e.va, r.va) AS va,
        min(e.va + e.length, r.va + r.length) - max(e.va, r.va) AS length,
        e.pa + max(r.va - e.va, 0) AS pa, e.page_size AS page_size, e.rights AS rights,
        \(hex("max(e.va, r.va)")) AS va_hex, \(hex("e.pa + max(r.va - e.va, 0)")) AS pa_hex
      FROM v_regions r
        JOIN v_every_mapping e ON e.space = r.space AND e.va < r.va + r.length AND e.va + e.length > r.va;
    """
}
