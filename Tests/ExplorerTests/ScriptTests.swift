import Canvas
import Testing

@testable import Explorer

@Suite("Scripts")
struct ScriptTests {
  private func keys(_ names: String) throws -> [ScriptStep] { try Key.sequence(names).map(ScriptStep.key) }

  @Test("Keys stand on lines, parted by blanks; quoted text is typed")
  func parsing() throws {
    #expect(try Script.parse("j j\n\n  Enter\n") == keys("j j Enter"))
    #expect(try Script.parse("g \"0x1 2\" Enter") == keys("g 0 x 1 Space 2 Enter"))
    #expect(try Script.parse("j\r\nk\r\n") == keys("j k"))
    #expect(try Script.parse("") == [])
  }

  @Test("A line that starts with a colon is a command; a colon alone, or after other keys, is a key")
  func commands() throws {
    #expect(try Script.parse(":goto 0x1000\n:quit") == [.command("goto 0x1000"), .command("quit")])
    #expect(try Script.parse(":\nj :") == keys(": j :"))
  }

  @Test("Comments: a line that starts with #, or the rest of one after a # that stands alone")
  func comments() throws {
    #expect(try Script.parse("# all of it\nj # two words, and more\n  # again") == keys("j"))
    #expect(try Script.parse("/ \"a # b\"") == keys("/ a Space # Space b"))
  }

  @Test("wait is a word of its own, sizes are checked")
  func waitAndSize() throws {
    #expect(try Script.parse("j wait k") == keys("j") + [.wait] + keys("k"))
    #expect(try Script.parse("j\twait\tk") == keys("j") + [.wait] + keys("k"))
    #expect(try Script.parse("/ \"wait\"") == keys("/ w a i t"))
    #expect(try Script.parse("size 120x40") == [.size(width: 120, height: 40)])
  }

  @Test(
    "What is no script names its line",
    arguments: ["j\nfoo", "\nsize 80", "\nsize 0x10", "\nsize 80x24x3", "j\nsize 99999x1", "\n\"unfinished"])
  func problems(_ text: String) {
    #expect { try Script.parse(text) } throws: { error in
      (error as? Script.Problem)?.line == 2 && "\(error)".hasPrefix("line 2: ")
    }
  }

  @Test("Each step knows the line that it stands on")
  func lines() throws {
    let steps = try Script.numbered("# one\nj k\n\n:quit\nsize 80x24\n")
    #expect(steps.map(\.line) == [2, 2, 4, 5])
    #expect(steps.map(\.step) == (try keys("j k")) + [.command("quit"), .size(width: 80, height: 24)])
  }

  @Test("Every key of the keymap can be written in a script by the name that help shows")
  func names() throws {
    for binding in Keymap.standard.bindings {
      let name = binding.keys.map(\.name).joined(separator: " ")
      #expect(try Script.parse(name) == binding.keys.map(ScriptStep.key), "\(name)")
    }
  }
}

@Suite("The line that is typed")
struct TextFieldTests {
  @Test(
    "Editing as in a shell",
    arguments: [
      ("\"abc\" Left x", "abxc"), ("\"abc\" Home x End y", "xabcy"), ("\"abc\" Ctrl-a Del", "bc"),
      ("\"abc\" Left Backspace", "ac"), ("\"ab cd\" Ctrl-w", "ab "), ("\"ab cd  \" Ctrl-w", "ab "),
      ("\"abc\" Left Ctrl-k", "ab"), ("\"abc\" Left Ctrl-u", "c"), ("\"abc\" Ctrl-b Ctrl-d", "ab"),
      ("\"abc\" Ctrl-a Ctrl-f x", "axbc"), ("Backspace Del Left Right Ctrl-w Ctrl-k", ""),
      ("\"é日\" Left Backspace", "日"),
    ])
  func editing(_ keys: String, _ text: String) throws {
    var field = TextField()
    for key in try Key.sequence(keys) { _ = field.take(key) }
    #expect(field.text == text)
  }

  @Test("Keys that edit nothing are left for others", arguments: ["Up", "Tab", "F1", "Enter"])
  func others(_ name: String) throws {
    var field = TextField("abc")
    let isTaken = field.take(try #require(Key(named: name)))
    #expect(!isTaken)
    #expect(field.text == "abc")
  }
}
