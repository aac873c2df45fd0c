#!/bin/bash
# Makes the samples again, or one from another kernel: see README.md.
usage="usage: make.sh [--work DIR] [--out DIR] [--steps fetch,build,boot,truth,capture] [GUEST...]"
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
all="linux-x86_64 linux-x86_64-pti linux-x86_64-la57 linux-i686 linux-i686-pae linux-aarch64 linux-riscv64"
work=${TMPDIR:-/tmp}/pagewalk-samples
out=$here
steps=fetch,build,boot,truth,capture
pagewalk=${PAGEWALK:-$here/../.build/release/pagewalk}

while [[ ${1:-} == -* ]]; do
  case $1 in
    --work) work=${2:?$usage}; shift 2 ;;
    --out) out=${2:?$usage}; shift 2 ;;
    --steps) steps=${2:?$usage}; shift 2 ;;
    *) echo "$usage" >&2; exit 64 ;;
  esac
done
mkdir -p "$work" "$out"
work=$(cd "$work" && pwd)
out=$(cd "$out" && pwd)

# What makes a guest: the Debian architecture, release and package of its kernel, compiler and its flags, the machine, and
# what the kernel is told besides the arguments that all guests get.
describe() {
  arch=amd64 package=linux-image-cloud-amd64 suite= cc=gcc flags=-m64
  qemu=qemu-system-x86_64 machine=q35 memory=256M cpu=max,la57=off console=ttyS0 append= devices=(-device vmcoreinfo)
  case $1 in
    linux-x86_64) ;;
    linux-x86_64-5.10) suite=bullseye ;;
    linux-x86_64-6.12) suite=trixie ;;
    linux-x86_64-pti) append=pti=on ;;
    linux-x86_64-la57) cpu=max,la57=on ;;
    linux-i686) package=linux-image-686 ;;
    linux-i686-pae) package=linux-image-686-pae ;;
    linux-aarch64) package=linux-image-cloud-arm64 ;;
    linux-aarch64-5.10) suite=bullseye package=linux-image-cloud-arm64 ;;
    linux-aarch64-sid) suite=sid package=linux-image-cloud-arm64 ;;
    linux-aarch64-16k) suite=trixie package=linux-image-arm64-16k memory=768M ;; # huge pages of 32 MiB
    linux-riscv64) ;;
    linux-riscv64-sid) suite=sid ;;
    linux-riscv64-sv39) append=no4lvl ;;
    *) echo "make.sh: unknown guest $1; there are: $all" >&2; exit 64 ;;
  esac
  case $1 in
    linux-i686*)
      arch=i386 qemu=qemu-system-i386 cpu=max
      # The headers below the host's triplet serve both word sizes.
      flags="-m32 -isystem /usr/include/$(gcc -print-multiarch)" ;;
    linux-aarch64*)
      # Authentication of pointers as the Arm ARM suggests it is slow to emulate; QEMU's own is as good. Where one CPU's
      # vectors are longer than the first one's, QEMU's dumps have more notes than they say, and memory lies elsewhere.
      arch=arm64 cc=aarch64-linux-gnu-gcc flags=
      qemu=qemu-system-aarch64 machine=virt cpu=max,pauth-impdef=on,sve=off,sme=off console=ttyAMA0 ;;
    linux-riscv64*)
      # Debian 12 has no such kernel, and QEMU's machine no such device.
      arch=riscv64 package=linux-image-riscv64 suite=${suite:-trixie} cc=riscv64-linux-gnu-gcc flags=
      qemu=qemu-system-riscv64 machine=virt cpu=rv64 devices=() ;;
  esac
}

# Downloads the kernel that a Debian metapackage stands for, and unpacks it without installing it. Another
# architecture and another release of Debian get package lists of their own, so that the system's stay as they are.
fetch() {
  local target=$work/kernels/$package$suite options=() state=$work/apt-$arch$suite real parts
  [[ -n ${KERNEL:-} || -e $target/complete ]] && return
  mkdir -p "$target"
  if [[ $arch != "$(dpkg --print-architecture)" || -n $suite ]]; then
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    touch "$state/status"
    options=(-o "APT::Architecture=$arch" -o "APT::Architectures=$arch" -o "Dir::State::Lists=$state/lists"
      -o "Dir::Cache=$state/cache" -o "Dir::State::status=$state/status")
    if [[ -n $suite ]]; then
      # From where this system has its packages.
      echo "deb $(apt-get indextargets --format '$(REPO_URI)' | head -n 1) $suite main" >"$state/sources.list"
      options+=(-o "Dir::Etc::sourcelist=$state/sources.list" -o "Dir::Etc::sourceparts=-")
    fi
    apt-get "${options[@]}" -qq update || echo "make.sh: some package lists are missing" >&2
  fi
  real=$(apt-cache "${options[@]}" show --no-all-versions "$package" |
    sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p')
  # Since 7.1, the image and its modules are packages of their own, which that one depends on.
  mapfile -t parts < <(apt-cache "${options[@]}" show --no-all-versions "${real:-$package}" |
    sed -n 's/^Depends: //p' | grep -o 'linux-\(binary\|modules\)-[0-9][^ ,]*' | sort -u)
  (cd "$target" && apt-get "${options[@]}" -qq -o APT::Sandbox::User=root download "${real:-$package}" "${parts[@]}")
  for deb in "$target"/*.deb; do dpkg-deb --extract "$deb" "$target"; done
  touch "$target/complete"
}

# The modules that the workload needs, those first that others need, and their list in this order.
copy_modules() {
  local modules=$1 target=$2 wanted file name
  [[ -e $modules/modules.dep ]] || depmod -b "${modules%/lib/modules/*}" "${modules##*/}"
  for wanted in qemu_fw_cfg lzo-rle zram; do
    # "a.ko: b.ko c.ko" says that a needs b, which needs c.
    for file in $(sed -n "s,^\(.*/$wanted\.ko[^:]*\):\(.*\),\1 \2,p" "$modules/modules.dep" |
      tr ' ' '\n' | tac); do
      name=$(basename "${file%.ko*}").ko
      [[ -e $target/$name ]] && continue
      case $file in
        *.xz) xz -dc "$modules/$file" >"$target/$name" ;;
        *.zst) zstd -qdc "$modules/$file" >"$target/$name" ;;
        *) cp "$modules/$file" "$target/$name" ;;
      esac
      echo "/modules/$name" >>"$target/list"
    done
  done
}

# The kernel, the guest's program, and an initramfs that holds it.
build() {
  local folder=$work/$1 root=$work/$1/initramfs kernels=$work/kernels/$package$suite
  local kernel=${KERNEL:-} modules=${MODULES:-}
  if [[ -z $kernel ]]; then
    # Since 7.1 it stands beside its modules.
    kernel=$(find "$kernels" -path "*/boot/vmlinu[xz]-*" -o -path "*/modules/*/vmlinu[xz]" | head -n 1)
    modules=$(find "$kernels" -type d -path "*/lib/modules/*" -prune | head -n 1)
  fi
  rm -rf "$root"
  mkdir -p "$root/modules" "$root/dev"
  cp "$kernel" "$folder/kernel"
  [[ -z $modules ]] || copy_modules "$modules" "$root/modules"

  # Linked where the machine has no memory: a kernel that decompresses itself runs at virtual addresses
  # equal to physical ones, and must not come by the host's breakpoint.
  # shellcheck disable=SC2086
  $cc $flags -O2 -g0 -Wall -Wextra -Werror -D_FILE_OFFSET_BITS=64 -static -no-pie \
    -Wl,-Ttext-segment=0x60000000 -o "$folder/program" "$here"/guest/*.c
  cp "$folder/program" "$root/init"
  (cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$folder/initramfs.cpio"
}

boot() {
  local folder=$work/$1 ranges=()
  [[ $1 == *la57 ]] && ranges=(--no-ranges) # QEMU's `info mem` takes minutes there
  rm -rf "$folder/tlb" "$folder/mem" "$folder/dump.elf"
  python3 "$here/boot.py" --program "$folder/program" --out "$folder" "${ranges[@]}" -- \
    $qemu -machine "$machine" -accel tcg -cpu "$cpu" -smp 2 -m $memory "${devices[@]}" \
    -kernel "$folder/kernel" -initrd "$folder/initramfs.cpio" \
    -append "console=$console quiet panic=-1 secretmem.enable=1 $append"
  grep -a '^workload:' "$folder/serial.log" || true
}

truth() { python3 "$here/truth.py" "$work/$1" "$out/$1"; }

capture() { "$pagewalk" capture "$work/$1/dump.elf" --force -o "$out/$1.elf"; }

for guest in ${*:-$all}; do
  describe "$guest"
  mkdir -p "$work/$guest"
  for step in ${steps//,/ }; do
    echo "== $guest: $step"
    case $step in
      fetch | build | boot | truth | capture) "$step" "$guest" ;;
      *) echo "make.sh: unknown step $step" >&2; exit 64 ;;
    esac
  done
done
