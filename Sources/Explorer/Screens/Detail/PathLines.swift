import Canvas
import PageTables

/// What the path to an entry allows, and which of its entries took the rest away.
extension Explorer {
  private static let users = "user: "

  /// In one line for both privileges where the same levels took something away, else in one for each.
  func pathLines(_ row: TreeRow, _ space: TreeSpace) -> [StyledLine] {
    let scheme = space.scheme(at: row.virtual)
    let steps = Array(tree.steps(to: row))
    let passing = steps.map { scheme.rights(passing: $0) }
    let all = passing.reduce(Rights.all) { $0.intersection($1) }
    func stops(_ isStop: (TranslationStep, Rights) -> Bool) -> [TranslationStep] {
      zip(steps, passing).filter { isStop($0, $1) }.map(\.0)
    }
    // A path that ends at a table says what it allows at most.
    let reservation = row.entryKind == .table ? " so far" : ""
    func line(
      _ whose: String, _ word: String, _ role: Role, _ stops: [TranslationStep], _ disabling: [FieldRole] = []
    ) -> StyledLine {
      let line = StyledLine("path  " + whose, .dim)
      if stops.isEmpty { return line.adding("\(word) at every level" + reservation, role) }
      let places = scheme.text(of: stops, disabling: disabling)
      let stopped = "not \(word): stopped \(places)"
      guard role == .permissionWrite, whose != Self.users, scheme.supervisorWritesReadOnly else {
        return line.adding(stopped, .dim)
      }
      return line.adding(stopped + ", but ", .dim).adding("the supervisor may write", role)
    }
    func lines(
      _ word: String, _ role: Role, _ supervisor: Rights, _ user: Rights,
      _ disabling: (supervisor: [FieldRole], user: [FieldRole]) = ([], [])
    ) -> [StyledLine] {
      let supervisors = stops { !$1.contains(supervisor) }
      // What keeps the user out altogether is said in a line of its own, but for what has a bit of its own as well.
      let users = stops { step, rights in
        (rights.isUser || scheme.hasOwnBit(for: user, in: step)) && !rights.contains(user)
      }
      let apart = [
        line("supervisor: ", word, role, supervisors, disabling.supervisor),
        line(Self.users, word, role, users, disabling.user),
      ]
      if all.isUser ? users != supervisors : !users.allSatisfy(supervisors.contains) { return apart }
      let both = users.isEmpty ? disabling.supervisor : disabling.supervisor + disabling.user
      return [line("", word, role, supervisors, both)]
    }
    var outside = stops { !$1.isUser }
    // Each may leave the user something, and all of them nothing.
    if outside.isEmpty, !all.isUser { outside = stops { !$1.isSuperset(of: .ofUser) } }
    let isReadByAll = passing.allSatisfy { $0.contains(.read) && (!$0.isUser || $0.contains(.userRead)) }
    let isTakenBesides = all.contains(.execute) && !scheme.granted(by: all).contains(.execute)
    let besides =
      isTakenBesides && row.entryKind == .leaf
      ? [StyledLine("path  supervisor: ", .dim).adding("not executable: the user may write it", .dim)] : []
    return (isReadByAll ? [] : lines("readable", .text, .read, .userRead))
      + lines("writable", .permissionWrite, .write, .userWrite)
      + [outside.isEmpty ? userLine(below: row, space) : line("", "user", .permissionUser, outside)]
      + lines(
        "executable", .permissionExecute, .execute, .userExecute,
        ([.supervisorExecuteDisable], [.userExecuteDisable])) + besides
  }

  /// What becomes of the user's access that every level so far has left. Many systems leave it in all their tables, the
  /// kernel's too, and take it away in the last entry: a row of a table must not be read as if users got in.
  private func userLine(below row: TreeRow, _ space: TreeSpace) -> StyledLine {
    let line = StyledLine("path  ", .dim)
    guard row.entryKind == .table, row.recursionLevel < 0 else {
      return line.adding("user at every level", .permissionUser)
    }
    let level = space.scheme(at: row.virtual).levels[Int(row.level) + 1]
    var (used, open) = (0, 0)
    let table = TableReference(address: row.address, level: Int(row.level) + 1)
    try? memory.forEachEntry(of: table, in: space.scheme(at: row.virtual)) { _, raw, kind in
      guard kind == .table || kind == .leaf else { return true }
      used += 1
      if level.format.rights(of: raw, kind: kind).isUser { open += 1 }
      return true
    }
    if used == 0 { return line.adding("user at every level so far", .permissionUser) }
    if open == 0 { return line.adding("user so far, but no entry below", .dim) }
    let some = open == used ? "every entry" : "\(open) of \(used) entries"
    return line.adding("user so far, and \(some) below", .permissionUser)
  }
}

extension PagingScheme {
  /// Whether an entry takes a right from the user by bits that say nothing of whether the user comes here at all.
  fileprivate func hasOwnBit(for right: Rights, in step: TranslationStep) -> Bool {
    let rules = levels[step.level].format.rights
    let rule = right == .userRead ? rules.userRead : right == .userWrite ? rules.userWrite : rules.userExecute
    return step.kind == .table
      ? rule.table.mask & rules.userRead.table.mask == 0 : rule.leaf.mask & rules.userRead.leaf.mask == 0
  }

  /// The places of entries, with the names of their bits that have one of some roles, where all of them have such a bit:
  /// `at L0[1], L1[2]`, or `by UXNTable of L0[1], L1[2], UXN of L3[4]`.
  fileprivate func text(of stops: [TranslationStep], disabling roles: [FieldRole]) -> String {
    let names = stops.map { step in
      levels[step.level].fields(of: step.raw).filter { roles.contains($0.role) && $0.holds(in: step.raw) }
        .map(\.name).joined(separator: " and ")
    }
    let places = stops.map { "\(levels[$0.level].name)[\($0.slot)]" }
    guard !names.contains("") else { return "at " + places.joined(separator: ", ") }
    let texts = zip(places, names).enumerated().map { number, stop in
      number > 0 && names[number - 1] == stop.1 ? stop.0 : "\(stop.1) of \(stop.0)"
    }
    return "by " + texts.joined(separator: ", ")
  }
}
