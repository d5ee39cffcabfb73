import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { SettingsError, type Settings } from './config.ts'

/** What a token is good for; `admin` includes `inference`. */
export type Scope = 'inference' | 'admin'

/** Whose token a request brought. */
export interface Caller {
  readonly scope: Scope
  /** `inference/2`: the second of API_TOKEN. For the log. */
  readonly name: string
  /** The token's digest: tells callers apart, in memory alone. */
  readonly key: string
}

/** The bearer tokens of the service. */
export interface Tokens {
  /** Is there a token of this scope? Where there is none, inference is open to all and administration to nobody. */
  readonly has: (scope: Scope) => boolean
  /** Whose token it is; null where it is nobody's. Takes as long for a token that is nearly right as for any other. */
  readonly callerOf: (token: string) => Caller | null
  /** A line of JSON without tokens: clients write them where they do not belong. One of fewer than eight characters may be a part of any word, and stays. */
  readonly redact: (line: string) => string
  /** No longer looks whether the files change. */
  readonly close: () => void
}

/** How often it is looked whether a file of tokens has changed, in milliseconds. */
const interval = 2000

const settingOf = { inference: 'API_TOKEN', admin: 'ADMIN_TOKEN' } as const satisfies Record<Scope, keyof Settings>

/**
 * The tokens of API_TOKEN and ADMIN_TOKEN, and of the files that API_TOKEN_FILE and ADMIN_TOKEN_FILE name, as secrets are mounted. One a line, or with
 * commas between them. A file is read again when it changes; one that cannot be used then changes nothing, and `onChange` is told why.
 * @throws SettingsError where a file cannot be read, or holds no token, or a token is none, or of both scopes
 */
export function readTokens (settings: Settings, onChange: (words: string, refused: boolean) => void = () => {}): Tokens {
  let callers = read(settings)
  const files = (['API_TOKEN_FILE', 'ADMIN_TOKEN_FILE'] as const).flatMap((name) => settings[name] ?? [])
  const again = (): void => {
    try {
      callers = read(settings)
      onChange('the tokens were read again', false)
    } catch (error) {
      onChange(`the tokens stay as they were: ${(error as Error).message}`, true)
    }
  }
  for (const file of files) watchFile(file, { interval, persistent: false }, again)
  return {
    has: (scope) => callers.some((caller) => caller.scope === scope),
    callerOf: (token) => {
      const digest = digestOf(token)
      // All of them are looked at: the time tells neither the token nor its place.
      return callers.reduce<Known | null>((found, caller) => timingSafeEqual(digest, caller.digest) ? caller : found, null)
    },
    redact: (line) => callers.reduce((text, { written }) => written.length < shortest ? text : text.replaceAll(written, '[token]'), line),
    close: () => { for (const file of files) unwatchFile(file, again) }
  }
}

interface Known extends Caller {
  readonly digest: Buffer
  /** As it would stand in JSON. */
  readonly written: string
}

/** Shorter tokens are not looked for in the log. */
const shortest = 8

// Digests have one length, so that comparing them tells nothing of the token's.
const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest()

function read (settings: Settings): Known[] {
  const callers = (['inference', 'admin'] as const).flatMap((scope) => textsOf(settings, settingOf[scope]).flatMap(tokensOf).map((token, n) => {
    const digest = digestOf(token)
    return { scope, name: `${scope}/${n + 1}`, key: digest.toString('hex'), digest, written: JSON.stringify(token).slice(1, -1) }
  }))
  const both = callers.find(({ scope, key }) => scope === 'admin' && callers.some((other) => other.scope === 'inference' && other.key === key))
  if (both !== undefined) throw new SettingsError('the same token stands in API_TOKEN and in ADMIN_TOKEN: whoever may ask would administer too. Choose another')
  return callers
}

/** What the setting holds, and its file; each with the name that an error gives it. */
function textsOf (settings: Settings, name: 'API_TOKEN' | 'ADMIN_TOKEN'): [text: string, place: string][] {
  const { [name]: text, [`${name}_FILE` as const]: file } = settings
  const texts: [string, string][] = text === undefined ? [] : [[text, name]]
  if (file !== undefined) {
    try {
      texts.push([readFileSync(file, 'utf8'), `the file ${file} of ${name}_FILE`])
    } catch (error) {
      throw new SettingsError(`${name}_FILE cannot be read: ${(error as Error).message}`)
    }
  }
  return texts
}

function tokensOf ([text, place]: readonly [text: string, place: string]): string[] {
  const tokens = text.split(/[\r\n,]/).map((token) => token.trim()).filter((token) => token !== '')
  // A secret that came out empty must not open the service.
  if (tokens.length === 0) throw new SettingsError(`${place} holds no token`)
  // A header carries nothing else. The token itself is not shown.
  if (!tokens.every((token) => /^[\x20-\x7e]+$/.test(token))) throw new SettingsError(`${place} holds a token with other characters than printable ASCII`)
  return tokens
}
