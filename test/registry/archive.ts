import { crc32, deflateRawSync } from 'node:zlib'

/** A member of a zip archive, and the lies told about it. */
export interface Member {
  readonly name: string
  readonly content: Buffer | string
  readonly deflate?: boolean
  /** Unix mode. */
  readonly mode?: number
  /** What both headers say in place of the truth. */
  readonly says?: { readonly size?: number, readonly packed?: number, readonly crc?: number }
  /** Share the bytes of the member before. */
  readonly over?: boolean
}

/** A zip archive; `count` is how many members its end claims. */
export function archive (members: readonly Member[], count = members.length): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  let last = 0
  for (const { name, content, deflate = false, mode = 0o100644, says = {}, over = false } of members) {
    const plain = Buffer.from(content)
    const bytes = deflate ? deflateRawSync(plain) : plain
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(deflate ? 8 : 0, 4)
    common.writeUInt32LE(says.crc ?? crc32(plain), 10)
    common.writeUInt32LE(says.packed ?? bytes.length, 14)
    common.writeUInt32LE(says.size ?? plain.length, 18)
    common.writeUInt16LE(Buffer.byteLength(name), 22)
    if (!over) {
      last = offset
      const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), bytes])
      locals.push(local)
      offset += local.length
    }
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(mode * 2 ** 16, 6)
    rest.writeUInt32LE(last, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), common, rest, Buffer.from(name)]))
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(Math.min(count, 0xffff), 8)
  end.writeUInt16LE(Math.min(count, 0xffff), 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, entries, end])
}
