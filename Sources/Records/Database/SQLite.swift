import CSQLite

/// An operation that SQLite rejected.
package struct DatabaseError: Error, Hashable, Sendable, CustomStringConvertible {
  package let path: String
  package let operation: String
  /// SQLite's own message.
  package let message: String

  package var description: String { "\(path): cannot \(operation): \(message)" }
}

/// An open SQLite database; closed at the end of the value's lifetime.
package struct Database: ~Copyable {
  private let handle: OpaquePointer
  private let path: String

  /// Opens the database at `path`; creates it if it does not exist.
  ///
  /// - Parameter name: the name used in errors; by default the path.
  package init(path: String, name: String? = nil) throws(DatabaseError) {
    var opened: OpaquePointer?
    // Prevents a special meaning of the path, such as `:memory:` and `file:…` have.
    let plainPath = path.hasPrefix("/") ? path : "./" + path
    let code = sqlite3_open_v2(plainPath, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
    guard code == SQLITE_OK, let opened else {
      let message = String(cString: opened.map { sqlite3_errmsg($0) } ?? sqlite3_errstr(code))
      // Even a database that could not be opened has a handle to release.
      sqlite3_close_v2(opened)
      throw DatabaseError(path: name ?? path, operation: "open the database", message: message)
    }
    handle = opened
    self.path = name ?? path
  }

  deinit { sqlite3_close_v2(handle) }

  /// Runs statements that return no rows.
  package func execute(_ sql: String) throws(DatabaseError) {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure("write") }
  }

  /// Compiles one statement.
  package func prepare(_ sql: String) throws(DatabaseError) -> Statement {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
      throw failure("understand '\(sql)'")
    }
    return Statement(statement, database: handle, path: path)
  }

  private func failure(_ operation: String) -> DatabaseError {
    DatabaseError(path: path, operation: operation, message: String(cString: sqlite3_errmsg(handle)))
  }
}

/// A compiled statement. It may outlive its `Database`: SQLite closes that together with the last statement.
package struct Statement: ~Copyable {
  private let handle: OpaquePointer
  private let database: OpaquePointer
  private let path: String
  private var bound: Int32 = 0

  /// Tells SQLite to copy a text before the call ends: `SQLITE_TRANSIENT`, a C macro with a cast, which Swift does
  /// not import.
  private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  fileprivate init(_ handle: OpaquePointer, database: OpaquePointer, path: String) {
    self.handle = handle
    self.database = database
    self.path = path
  }

  deinit { sqlite3_finalize(handle) }

  /// Binds a number to the next parameter; nil is NULL.
  package mutating func put(_ value: Int?) {
    bound += 1
    // A parameter that the statement does not have causes an error when it runs, because its row lacks a value.
    if let value { sqlite3_bind_int64(handle, bound, Int64(value)) } else { sqlite3_bind_null(handle, bound) }
  }

  /// Binds all 64 bits of an address or a raw entry to the next parameter, as SQLite's signed integer.
  package mutating func put(bits value: UInt64) {
    put(Int(Int64(bitPattern: value)))
  }

  /// Binds a count to the next parameter, clamped to 2^63 - 1.
  package mutating func put(count: UInt64) { put(Int(clamping: count)) }

  package mutating func put(_ value: Bool) { put(value ? 1 : 0) }

  /// Binds a text to the next parameter; nil is NULL.
  package mutating func put(_ text: String?) {
    guard var text else { return put(nil as Int?) }
    bound += 1
    text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        _ = sqlite3_bind_text(
          handle, bound, characters.baseAddress, Int32(clamping: characters.count), Statement.copied)
      }
    }
  }

  /// Runs the statement to its end with the parameters bound since the last run, and resets it for the next.
  package mutating func run() throws(DatabaseError) {
    while try step() {}
  }

  /// Advances to the next row; false if there is none, in which case the statement is ready to run again.
  package mutating func step() throws(DatabaseError) -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE:
      reset()
      return false
    default:
      let message = String(cString: sqlite3_errmsg(database))
      reset()
      throw DatabaseError(path: path, operation: "write", message: message)
    }
  }

  private mutating func reset() {
    sqlite3_reset(handle)
    bound = 0
  }

  /// A column of the current row, 0-based; NULL is 0.
  package func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, Int32(clamping: column)) }

  /// A column of the current row, 0-based; NULL is nil.
  package func text(_ column: Int) -> String? {
    guard let bytes = sqlite3_column_text(handle, Int32(clamping: column)) else { return nil }
    return String(cString: bytes)
  }

  /// The number of columns in a row.
  package var columnCount: Int { Int(sqlite3_column_count(handle)) }
}
