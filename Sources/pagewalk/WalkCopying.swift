import Explorer
import Guests
import PageTables
import Records

extension WalkCopy {
  /// The walk as text or JSON, with where it ends, its rights and its names, or the command that walks it again.
  ///
  /// - Parameter options: how the source was opened, for the command to open it so again.
  func text(in memory: any PhysicalMemory, options: [String]) -> String {
    let space = found.space
    if form == .command {
      // What begins with - would be an option.
      let source = (sourceName.hasPrefix("-") ? "./" : "") + sourceName
      return (["pagewalk", "translate", source] + options + ["--space", spaceName, "\(Hex(address))"])
        .map(\.quotedForShell).joined(separator: " ")
    }
    let translation = space.translate(address, in: memory)
    let knowledge = names?.knowledge(of: translation, in: found) ?? AddressKnowledge()
    let record = TranslateRecord(translation, space: space, guest: knowledge)
    guard form == .json else { return record.cells.joined() }
    var line = JSONLine()
    line.object { record.write(to: &$0) }
    return String(decoding: line.bytes.dropLast(), as: UTF8.self)
  }
}

extension String {
  /// As one word of a shell's command line.
  fileprivate var quotedForShell: String {
    let plain = allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+:,@%=".contains($0)) }
    return plain && !isEmpty
      ? self : "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
