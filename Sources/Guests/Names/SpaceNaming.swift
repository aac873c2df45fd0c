import MemoryImages
import PageTables

/// Gives spaces the names of the processes that own them, from the guest's list of tasks.
struct SpaceNaming {
  let image: MemoryImage
  /// The scheme, as the search for spaces created it: spaces that are added share it with those that were found.
  private let scheme: PagingScheme
  private let kernelRoot: PhysicalAddress?
  /// The kernel's own space, or one with the same kernel part.
  private let kernel: AddressSpace
  private let origin: FoundSpace.NameOrigin
  /// Processes by the root that the kernel uses for them, in ascending pid.
  private var owners: [PhysicalAddress: [SpaceProcess]] = [:]
  /// The kernel copy for each user copy.
  private var kernelCopies: [PhysicalAddress: PhysicalAddress] = [:]
  /// Roots with an owner, ordered by the first owner's pid.
  private var ownedRoots: [PhysicalAddress] = []
  private var userCopies: [PhysicalAddress: PhysicalAddress] = [:]
  private var kernelThreads: [SpaceProcess] = []
  /// The commands of processes without a name.
  private var commands: [Int: String] = [:]
  /// Roots of the kernel that no process has.
  private let kernelRoots: [PhysicalAddress: String]
  /// Set where the guest is a second kernel in the memory.
  private let other: OtherKernel?
  /// Whether all processes are known, so that a root which none of them has is unowned.
  private let knowsAll: Bool

  init(_ guest: LinuxGuest, _ found: FoundSpaces, in image: MemoryImage) {
    self.init(guest, found, in: image, other: nil)
  }

  init(_ other: OtherKernel, _ found: FoundSpaces, in image: MemoryImage) {
    self.init(other.guest, found, in: image, other: other)
  }

  private init(_ guest: LinuxGuest, _ found: FoundSpaces, in image: MemoryImage, other: OtherKernel?) {
    self.image = image
    self.other = other
    kernel = guest.kernel
    scheme =
      found.spaces.first { $0.space.scheme.name == guest.kernel.scheme.name }?.space.scheme
      ?? guest.kernel.scheme
    kernelRoot = guest.ownRoot
    origin = guest.tasks?.isInferred == true ? .inferred : .tasks
    kernelRoots = guest.kernelRoots()
    // A process whose root cannot be read may own any of them.
    knowsAll =
      guest.tasks.map { tasks in
        tasks.isListClosed && tasks.tasks.allSatisfy { $0.memory == nil || $0.root != nil }
      } ?? false
    for task in guest.tasks?.tasks ?? [] {
      let process = SpaceProcess(pid: task.pid, name: task.name)
      // A kernel thread only borrows a process's memory for a moment; it does not own it.
      if task.isKernelThread {
        kernelThreads.append(process)
        continue
      }
      guard let root = task.root, root != kernelRoot else { continue }
      if task.name.isEmpty, let command = guest.arguments(of: task)?.first?.split(separator: "/").last {
        commands[task.pid] = command.cut(toBytes: NameLimit.space)
      }
      if owners[root] == nil { ownedRoots.append(root) }
      owners[root, default: []].append(process)
      if let user = task.userRoot {
        kernelCopies[user] = root
        userCopies[root] = user
      }
    }
    if let kernelRoot, !userCopies.isEmpty, let user = scheme.isolatedRoots?.userCopy(of: kernelRoot) {
      if RootClassification(image: image, shape: RootShape(scheme)).isPair(kernel: kernelRoot, user: user) {
        kernelCopies[user] = kernelRoot
        userCopies[kernelRoot] = user
      }
    }
  }

  /// The named spaces, in their original order except that possibly stale ones come last.
  ///
  /// - Parameter adds: whether to add processes whose root was not found otherwise.
  func named(_ found: FoundSpaces, adds: Bool) -> FoundSpaces {
    var result = found
    for index in result.spaces.indices { name(&result.spaces[index]) }
    if adds { result.spaces += missing(in: result.spaces) }
    result.spaces = result.spaces.filter { !$0.isPossiblyStale } + result.spaces.filter(\.isPossiblyStale)
    return result.marked(by: .linux) { $0.space.scheme.name == scheme.name }
  }

  private func name(_ found: inout FoundSpace) {
    guard found.space.scheme.name == scheme.name else { return }
    // Spaces named by one kernel do not belong to the other.
    if other != nil, found.namedBy != nil, found.otherKernel == nil { return }
    var root = found.space.root
    var suffix = ""
    if case .userCopy(let kernel) = found.isolation {
      root = kernel
      suffix = " user"
    } else if let kernel = kernelCopies[root] {
      root = kernel
      suffix = " user"
      found.isolation = .userCopy(kernelRoot: kernel)
    }
    // A name given by the person is kept.
    let isNamed = found.origin == .given && found.space.name != AddressText.hex(found.space.root.value)
    var namedBy = origin
    if let processes = owners[root], let first = processes.first {
      if !isNamed { found.space.name = title(of: first, root) + suffix }
      found.role = .process
      found.pid = first.pid
      found.processes = processes
      // Gives the same answer whether the tasks were read before or during a scan.
      if found.origin == .scan || found.origin == .pair { found.origin = .tasks }
    } else if isKernel(root, found) {
      if !isNamed {
        found.space.name = title(FoundSpace.Role.kernelName, isKernel: true) + suffix
      }
      found.role = .kernel
      found.processes = kernelThreads
      if kernelRoot != nil {
        namedBy = .symbols
        if found.origin == .scan { found.origin = .kernelSymbol }
      }
    } else if let name = kernelRoots[root] {
      if !isNamed { found.space.name = title(name, isKernel: false) + suffix }
      found.role = .special
      namedBy = .symbols
    } else if other != nil {
      return
    } else {
      unname(&found)
      if found.origin != .given { found.role = knowsAll ? .unowned : .unknown }
      return
    }
    found.namedBy = namedBy
    found.otherKernel = other?.role
    found.isPossiblyStale = false
  }

  private func title(_ name: String, isKernel: Bool) -> String {
    other?.title(of: name, isKernel: isKernel) ?? name
  }

  /// The title for a process's space; if the process has an empty name, the command that started it.
  private func title(of process: SpaceProcess, _ root: PhysicalAddress) -> String {
    let name = process.name.isEmpty ? commands[process.pid] ?? AddressText.hex(root.value) : process.name
    return title(name, isKernel: false)
  }

  private func isKernel(_ root: PhysicalAddress, _ found: FoundSpace) -> Bool {
    guard let kernelRoot else {
      return other == nil && found.origin != .given && found.role == .kernel
    }
    return root == kernelRoot
  }

  /// Reverts the assumption that this is the kernel's own root, made before the actual one was known.
  private func unname(_ found: inout FoundSpace) {
    guard kernelRoot != nil, found.origin != .given, found.role == .kernel else { return }
    found.space.name = AddressText.hex(found.space.root.value)
    found.isPossiblyStale = found.origin == .scan || found.origin == .pair
  }

  /// Roots that the tasks name and that were not found otherwise, as far as they can be roots.
  private func missing(in spaces: [FoundSpace]) -> [FoundSpace] {
    let known = Set(spaces.filter { $0.space.scheme.name == scheme.name }.map(\.space.root))
    var result: [FoundSpace] = []
    for root in (kernelRoot.map { [$0] } ?? []) + ownedRoots where !known.contains(root) {
      guard image.holdsEntries(root, scheme) else { continue }
      for copy in [root, userCopies[root]].compactMap(\.self) where !known.contains(copy) {
        let label = AddressText.hex(copy.value)
        var found = FoundSpace(
          space: copy == kernelRoot
            ? AddressSpace(kernel: label, root: copy, scheme: scheme)
            : AddressSpace(process: label, root: copy, scheme: scheme, kernel: kernel),
          origin: copy == kernelRoot ? .kernelSymbol : .tasks)
        if let user = userCopies[root], copy == root { found.isolation = .kernelCopy(userRoot: user) }
        name(&found)
        result.append(found)
      }
    }
    return result
  }
}

extension LinuxGuest {
  /// The root that the kernel keeps for itself; nil where a process's root stands in for it.
  var ownRoot: PhysicalAddress? {
    for name in LinuxArchitecture.rootSymbols {
      if let symbol = vmcoreinfo?.symbols[name] ?? symbols?.address(of: name),
        reader.physical(of: symbol) == kernel.root
      {
        return kernel.root
      }
    }
    return nil
  }
}
