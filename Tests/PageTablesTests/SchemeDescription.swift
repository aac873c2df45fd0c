import PageTables
import Testing

/// A failing test names the scheme instead of printing all of its levels and fields.
extension PagingScheme: CustomTestStringConvertible {
  /// The scheme as the command line names it.
  public var testDescription: String { name }
}
