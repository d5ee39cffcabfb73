import { Fault } from '../errors.ts'

/** What has no words here; program.ts says whose it is. */
export function refuse (why: string): never {
  throw new Fault('unsupported_layer', why)
}
