import Guests

/// The use of a frame, for people: `page-cache /bin/busybox+0x1000`, `slab kmalloc-64`, `free`.
package func frameText(_ kind: FrameUse.Kind, _ detail: String?, _ fileOffset: UInt64?) -> String {
  // Most reserved frames hold the kernel's image, which was never allocated.
  var text = kind == .reserved ? "reserved (kernel image or firmware)" : kind.rawValue
  if let detail { text += " " + printable(detail) }
  if let fileOffset { text += (detail == nil ? " +" : "+") + Hex(fileOffset).description }
  return text
}
