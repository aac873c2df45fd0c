import Foundation
import PageTables
import Testing

@testable import Targets

/// A real guest, where `PAGEWALK_TARGET_QMP`, .. name one that stands still with a dump of the same stop: for
/// measurements and comparisons that need QEMU.
enum RealGuest {
  static let environment = ProcessInfo.processInfo.environment
  static var qmp: String? { environment["PAGEWALK_TARGET_QMP"] }
  static var dump: String? { environment["PAGEWALK_TARGET_DUMP"] }
}
