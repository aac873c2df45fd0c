import Guests

/// What a frame is used for, for people: `page-cache /bin/busybox+0x1000`, `slab kmalloc-64`, `free`.
package func frameText(_ kind: FrameUse.Kind, _ detail: String?, _ fileOffset: UInt64?) -> String {
  // Most frames that are reserved hold the kernel itself, whom nobody gave them.
  var text = kind == .reserved ? "reserved (kernel image or firmware)" : kind.rawValue
  if let detail { text += " " + printable(detail) }
  if let fileOffset { text += (detail == nil ? " +" : "+") + Hex(fileOffset).description }
  return text
}
