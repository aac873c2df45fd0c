/// An address space at one of several moments, as `pagewalk spaces --watch` lists it: the fields of the space, behind
/// those of the moment.
package struct WatchedSpaceRecord: Record {
  /// How a space differs from the moment before.
  package enum Change: String, Hashable, Sendable, Codable {
    case new, gone
  }

  /// The number of the moment, from 1 on.
  package let moment: Int
  /// When it was taken, as ISO 8601 has it: `2026-01-31T12:00:00Z`.
  package let time: String
  /// Nil for a space that was there before, and in the first moment.
  package let change: Change?
  /// The space; one that is gone as it was.
  package let space: SpaceRecord

  package init(_ space: SpaceRecord, moment: Int, time: String, change: Change?) {
    self.space = space
    self.moment = moment
    self.time = time
    self.change = change
  }

  package func write(to json: inout JSONLine) {
    json.field("moment", moment)
    json.field("time", time)
    if let change { json.field("change", change.rawValue) }
    space.write(to: &json)
  }

  /// Those of the space, behind a sign.
  package static var columns: [Column] { [Column("", width: 1)] + SpaceRecord.columns }

  package var cells: [String] {
    let sign =
      switch change {
      case nil: ""
      case .new: "+"
      case .gone: "-"
      }
    return [sign] + space.cells
  }
}

extension WatchedSpaceRecord {
  private enum CodingKeys: CodingKey {
    case moment, time, change
  }

  package init(from decoder: any Decoder) throws {
    let own = try decoder.container(keyedBy: CodingKeys.self)
    moment = try own.decode(Int.self, forKey: .moment)
    time = try own.decode(String.self, forKey: .time)
    change = try own.decodeIfPresent(Change.self, forKey: .change)
    space = try SpaceRecord(from: decoder)
  }

  package func encode(to encoder: any Encoder) throws {
    var own = encoder.container(keyedBy: CodingKeys.self)
    try own.encode(moment, forKey: .moment)
    try own.encode(time, forKey: .time)
    try own.encodeIfPresent(change, forKey: .change)
    try space.encode(to: encoder)
  }
}
