import { nativeReader, type NativeReader } from './native/reader.ts'
import { blanks, scanList } from './scan-list.ts'
import { ScannedList } from './scanned.ts'
import { isObject } from './words.ts'

/** A list that was read, and the members that lead to it. */
interface Found { readonly path: readonly string[], readonly list: ScannedList }

/** Members of an input's forms that are not long lists of numbers; an input of such a name is read as all else is. */
const others = ['shape', 'dtype', 'order', 'oneHot', 'text']

/**
 * What `parse` makes of a JSON body, with the regular lists of numbers at `inputs`, `inputs/NAME`, `inputs/data` and `inputs/NAME/data` as ScannedLists: they are
 * read from the bytes, by `native` where it can, and `parse` gets the rest. Whatever is wrong or unusual is left to `parse`, which sees the whole text then, and throws what it throws.
 */
export function parseScanned (bytes: Buffer, parse: (text: string) => unknown, native: NativeReader | null = nativeReader): unknown {
  const { text, found } = new BodyScan(bytes, native)
  if (found.length > 0) {
    try {
      const body = parse(text)
      if (found.every((each) => putBack(body, each))) return body
    } catch {
      // The whole text is wrong too, and says where.
    }
  }
  return parse(bytes.toString())
}

/** Puts a list where an empty one stands for it. */
function putBack (body: unknown, { path, list }: Found): boolean {
  let holder = body
  for (const name of path.slice(0, -1)) holder = isObject(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined
  const name = path[path.length - 1]
  if (!isObject(holder) || !Object.hasOwn(holder, name)) return false
  const there = holder[name]
  if (!Array.isArray(there) || there.length > 0) return false
  ;(holder as Record<string, unknown>)[name] = list
  return true
}

/** No model has as many inputs. */
const mostLists = 256

/** Thrown to end a scan of what is not read here. */
const unusual = new Error('not for the scanner')

/**
 * One way through the bytes of a body. An array put in place of another changes nothing about whether a text is JSON, as brackets stick to no other token; so the
 * rest alone tells.
 */
class BodyScan {
  readonly found: Found[] = []
  /** The body with an empty list in place of each list found. */
  text = ''
  private readonly bytes: Buffer
  private readonly view: DataView
  private readonly native: NativeReader | null
  /** The byte to read next. */
  private at = 0
  /** Up to here `text` goes. */
  private copied = 0

  constructor (bytes: Buffer, native: NativeReader | null) {
    this.native = native
    let end = bytes.length
    while (end > 0 && isBlank(bytes[end - 1])) end--
    this.bytes = bytes.subarray(0, end)
    this.view = new DataView(bytes.buffer, bytes.byteOffset, end)
    // The last brace ends every loop over bytes.
    if (end === 0 || bytes[end - 1] !== 125) return
    try {
      this.object([])
      if (this.found.length > 0) this.text += bytes.toString('utf8', this.copied)
    } catch (error) {
      if (error !== unusual) throw error
      this.found.length = 0
    }
  }

  /** The object at `at`, the body itself or one within it. */
  private object (path: readonly string[]): void {
    const names = new Set<string>()
    this.past(123)
    if (this.next() === 125) {
      this.at++
      return
    }
    for (;;) {
      const name = this.name()
      if (names.has(name)) throw unusual
      names.add(name)
      this.past(58)
      this.value([...path, name])
      if (this.next() !== 44) break
      this.at++
    }
    this.past(125)
  }

  private value (path: readonly string[]): void {
    const c = this.next()
    const depth = path.length
    if (path[0] === 'inputs' && !others.includes(path[depth - 1]) && (depth < 3 || path[2] === 'data')) {
      if (c === 91 && this.list(path)) return
      if (c === 123 && depth < 3) {
        this.object(path)
        return
      }
    }
    if (c === 34) this.string()
    else if (c === 91 || c === 123) this.brackets()
    else this.scalar()
  }

  private list (path: readonly string[]): boolean {
    if (this.found.length === mostLists) throw unusual
    const scanned = scanList(this.bytes, this.view, this.at, this.native)
    if (scanned === null) return false
    this.text += `${this.bytes.toString('utf8', this.copied, this.at)}[]`
    this.copied = this.at = scanned.end
    this.found.push({ path, list: scanned.list })
    return true
  }

  private name (): string {
    if (this.next() !== 34) throw unusual
    const from = this.at + 1
    this.string()
    const name = this.bytes.toString('utf8', from, this.at - 1)
    if (name.includes('\\') || name === '__proto__') throw unusual
    return name
  }

  /** Past a string. */
  private string (): void {
    for (let from = this.at + 1; ; from = this.at) {
      const quote = this.bytes.indexOf(34, from)
      if (quote < 0) throw unusual
      this.at = quote + 1
      let escapes = quote
      while (this.bytes[escapes - 1] === 92) escapes--
      if ((quote - escapes) % 2 === 0) return
    }
  }

  /** Past a list or an object, whatever is in it. */
  private brackets (): void {
    const { bytes } = this
    let depth = 0
    for (let { at } = this; at < bytes.length; at++) {
      const c = bytes[at]
      if (c === 34) {
        this.at = at
        this.string()
        at = this.at - 1
      } else if (c === 91 || c === 123) {
        depth++
      } else if ((c === 93 || c === 125) && --depth === 0) {
        this.at = at + 1
        return
      }
    }
    throw unusual
  }

  /** Past a number or a word. */
  private scalar (): void {
    const from = this.at
    while (!isBlank(this.bytes[this.at]) && this.bytes[this.at] !== 44 && this.bytes[this.at] !== 125) this.at++
    if (this.at === from) throw unusual
  }

  private next (): number {
    this.at = blanks(this.bytes, this.at)
    return this.bytes[this.at]
  }

  private past (c: number): void {
    if (this.next() !== c) throw unusual
    this.at++
  }
}

const isBlank = (c: number): boolean => c === 32 || c === 10 || c === 13 || c === 9
