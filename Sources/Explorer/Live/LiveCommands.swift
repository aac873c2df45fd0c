import PageTables

extension Command {
  static let refresh = Command(
    "refresh", "take the next moment; signs mark what changed", label: "refresh",
    in: .live,
    .views, obstacle: \.momentObstacle
  ) { explorer, _ in
    explorer.takeMoment()
  }

  static let watch = Command(
    "watch", "refresh every so many seconds; 0 or off ends it", label: "watch", in: .live, .views,
    .optionalText("SECONDS"), obstacle: \.liveObstacle
  ) { explorer, text in
    let word = text.isEmpty ? "1" : text == "off" ? "0" : text
    guard let seconds = Double(word), seconds == 0 || (0.1...86_400).contains(seconds) else {
      explorer.status = .error("watch takes seconds, from 0.1 on, or off to end; not '\(text)'")
      return []
    }
    explorer.live.watch = seconds == 0 ? nil : seconds
    explorer.status = .note(
      seconds == 0 ? "watching ended" : "a moment is taken every \(word) s; :watch off ends that")
    return [.watch(seconds: explorer.live.watch)]
  }

  static let followStops = Command(
    "follow", "refresh at each stop, as of a debugger; again ends it", label: "follow",
    in: .live, .views,
    obstacle: { explorer in
      explorer.liveObstacle
        ?? (explorer.live.source?.canStop == true
          ? nil : "this source does not tell when it stops; :watch SECONDS refreshes again and again")
    }
  ) { explorer, _ in
    explorer.live.isFollowing.toggle()
    explorer.status = .note(
      explorer.live.isFollowing
        ? "a moment is taken whenever the machine stops; :follow ends that" : "following ended")
    return [.followStops(explorer.live.isFollowing)]
  }

  static let keep = Command(
    "keep", "keep this moment under a name", label: "keep", in: .live, .views, .text("NAME")
  ) { explorer, name in
    explorer.live.kept[name] = explorer.currentMoment(called: name)
    explorer.status = .note("this moment is kept as '\(name)'; :diff \(name) compares with it")
    return []
  }

  static let diff = Command(
    "diff", "compare with a kept moment, or again the one before", label: "diff",
    in: .live,
    .views, .optionalText("NAME")
  ) { explorer, name in
    guard !name.isEmpty else {
      explorer.live.base = nil
      explorer.status = .note("from the next moment on, each is compared with the one before")
      return []
    }
    guard let kept = explorer.live.kept[name] else {
      let known = explorer.live.kept.keys.sorted().prefix(6).joined(separator: ", ")
      explorer.status = .error(
        "no moment is kept as '\(name)'; "
          + (known.isEmpty ? ":keep NAME keeps this one" : "there are: \(known)"))
      return []
    }
    explorer.live.base = name
    if let shown = explorer.memory.base as? HeldMoment, kept.memory as? HeldMoment === shown,
      explorer.momentObstacle == nil
    {
      // What is shown is what was kept: the person means what came after.
      return explorer.takeMoment()
    }
    return explorer.compare(with: kept)
  }

  static let stop = Command(
    "stop", "stop the machine", label: "stop", in: .live, .views, obstacle: \.stopObstacle
  ) { explorer, _ in
    explorer.live.isLeftStopped = true
    return [.setRunning(false)]
  }

  static let letRun = Command(
    "continue", "let the machine run", label: "continue", in: .live, .views, obstacle: \.stopObstacle
  ) { explorer, _ in
    explorer.live.isLeftStopped = false
    return [.setRunning(true)]
  }
}

extension Explorer {
  fileprivate var liveObstacle: String? {
    live.source == nil ? "this source is no running machine: nothing changes in it" : nil
  }

  fileprivate var stopObstacle: String? {
    liveObstacle
      ?? (live.source?.canStop == true ? nil : "this source cannot stop the machine, or let it run")
  }
}

extension Explorer {
  /// What to say once the program has ended: what it leaves behind.
  package var lastWords: String? {
    live.isLeftStopped ? "the machine is stopped, as :stop left it" : nil
  }
}
